# Writes src/indicators/<name>/golden.json from TA-Lib. Documents where the values come from; no test or program runs it.
#
#   python -m venv venv && venv/bin/pip install TA-Lib numpy
#   venv/bin/python scripts/golden/indicators_golden.py ../shared/data
import talib

from indicators_common import RECURSION, RUNNING, bars, tolerance, write

open_, high, low, close, volume = (bars[name] for name in ("open", "high", "low", "close", "volume"))


def bollinger(period, deviations):
    upper, middle, lower = talib.BBANDS(close, period, deviations, deviations, 0)
    return {"period": period, "deviations": deviations}, {"upper": upper, "middle": middle, "lower": lower}


def macd(fast, slow, signal):
    line, average, histogram = talib.MACD(close, fast, slow, signal)
    return (
        {"fast": fast, "slow": slow, "signal": signal},
        {"macd": line, "signal": average, "histogram": histogram},
    )


write("rsi", "RSI", ["close"], {"rel": 1e-12, "abs": 1e-12, "reason": RECURSION},
      [({"period": n}, {"rsi": talib.RSI(close, n)}) for n in (14, 2, 50)])
write("ema", "EMA", ["close"], {"rel": 1e-13, "abs": 0, "reason": RECURSION},
      [({"period": n}, {"ema": talib.EMA(close, n)}) for n in (20, 2, 200)])
write("macd", "MACD", ["close"],
      {"rel": 0, "abs": 1e-10,
       "reason": "Absolute: the lines cross zero and are differences of averages near 46,000, whose last bit is 7e-12."},
      [macd(12, 26, 9), macd(3, 10, 16)])
write("bollinger", "BBANDS (simple average)", ["close"],
      {"rel": 1e-13, "abs": 0,
       "reason": "The two may sum squares differently; a variance taken without subtracting the mean is exact to about "
                 "1e-6 at prices near 46,000, which moves a band by less than 1e-13 of the price."},
      [bollinger(20, 2.0), bollinger(5, 1.5)])
write("atr", "ATR", ["high", "low", "close"], {"rel": 1e-12, "abs": 1e-12, "reason": RECURSION},
      [({"period": n}, {"atr": talib.ATR(high, low, close, n)}) for n in (14, 1, 50)])

# Averages.
for name in ("sma", "wma", "dema", "tema", "trima", "hma"):
    recursive = name in ("dema", "tema")
    write(name, name.upper(), ["close"], tolerance(1e-12, 0, RECURSION if recursive else RUNNING),
          [({"period": n}, {name: getattr(talib, name.upper())(close, n)}) for n in ((20, 2, 60) if recursive else (20, 2, 7, 200))])
write("t3", "T3", ["close"],
      tolerance(1e-12, 0, RECURSION),
      [({"period": n, "factor": v}, {"t3": talib.T3(close, n, v)}) for n, v in ((5, 0.7), (2, 0.0), (20, 1.0))])
write("kama", "KAMA", ["close"], tolerance(1e-12, 0, RUNNING),
      [({"period": n}, {"kama": talib.KAMA(close, n)}) for n in (10, 2, 60)])
write("vwma", "VWMA", ["close", "volume"], tolerance(1e-12, 0, RUNNING),
      [({"period": n}, {"vwma": talib.VWMA(close, volume, n)}) for n in (20, 2, 200)])
