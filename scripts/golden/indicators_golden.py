# Writes src/indicators/<name>/golden.json, and src/indicators/golden.json of one long series, from TA-Lib. Documents where the
# values come from; no test or program runs it.
#
#   python -m venv venv && venv/bin/pip install TA-Lib numpy
#   venv/bin/python scripts/golden/indicators_golden.py ../shared/data
import numpy as np
import talib

from indicators_common import RECURSION, RUNNING, bars, tolerance, write, write_long

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

# Momentum.
NEAR_ZERO = "Absolute: the values cross zero and are differences of averages near 46,000, whose last bit is 7e-12."


def ppo(fast, slow, signal):
    line = talib.PPO(close, fast, slow, 1)
    average = talib.EMA(line, signal)
    line = np.where(np.isnan(average), np.nan, line)
    return (
        {"fast": fast, "slow": slow, "signal": signal},
        {"ppo": line, "signal": average, "histogram": line - average},
    )


write("ppo", "PPO (exponential averages); signal: EMA of it", ["close"], tolerance(0, 1e-12, NEAR_ZERO + " In percent of 46,000."),
      [ppo(12, 26, 9), ppo(3, 10, 16)])
write("roc", "ROC", ["close"],
      tolerance(0, 1e-13, "Absolute: TA-Lib subtracts one from a ratio near one, which costs 1e-16 of a hundred percent."),
      [({"period": n}, {"roc": talib.ROC(close, n)}) for n in (10, 1, 100)])
write("momentum", "MOM", ["close"], tolerance(0, 0, "One subtraction: the same bits."),
      [({"period": n}, {"momentum": talib.MOM(close, n)}) for n in (10, 1, 100)])
write("trix", "TRIX", ["close"], tolerance(0, 1e-12, NEAR_ZERO + " In percent of 46,000."),
      [({"period": n}, {"trix": talib.TRIX(close, n)}) for n in (15, 2, 50)])
write("awesome", "AO", ["high", "low"], tolerance(0, 1e-10, NEAR_ZERO),
      [({"fast": a, "slow": b}, {"awesome": talib.AO(high, low, a, b)}) for a, b in ((5, 34), (2, 3), (10, 100))])

# Oscillators.
POINTS = "Sums of the windows are put together in another order, on a scale of a hundred points."
write("cmo", "CMO", ["close"], tolerance(1e-12, 1e-12, RECURSION),
      [({"period": n}, {"cmo": talib.CMO(close, n)}) for n in (14, 2, 50)])


def stochastic(period, smooth, signal):
    k, d = talib.STOCH(high, low, close, period, smooth, 0, signal, 0)
    return {"period": period, "smooth": smooth, "signal": signal}, {"k": k, "d": d}


def stochrsi(period, span, signal):
    k, d = talib.STOCHRSI(close, period, span, signal, 0)
    return {"period": period, "range": span, "signal": signal}, {"k": k, "d": d}


write("stochastic", "STOCH (simple averages)", ["high", "low", "close"], tolerance(0, 1e-10, POINTS),
      [stochastic(14, 3, 3), stochastic(5, 1, 3), stochastic(60, 5, 1)])
write("stochrsi", "STOCHRSI (simple average)", ["close"],
      tolerance(0, 1e-10, POINTS + " The range of the index is a few points, so its last bits count for more."),
      [stochrsi(14, 14, 3), stochrsi(14, 5, 3), stochrsi(5, 30, 1)])
write("williams", "WILLR", ["high", "low", "close"], tolerance(0, 1e-12, "The order of one multiplication and one division."),
      [({"period": n}, {"williams": talib.WILLR(high, low, close, n)}) for n in (14, 2, 100)])
write("cci", "CCI", ["high", "low", "close"],
      tolerance(1e-9, 1e-9, "Both sum prices near 46,000, in another order; deviations of a few units keep 1e-11 of that."),
      [({"period": n}, {"cci": talib.CCI(high, low, close, n)}) for n in (20, 5, 100)])
write("ultimate", "ULTOSC", ["high", "low", "close"], tolerance(0, 1e-10, POINTS),
      [({"shorter": a, "medium": b, "longer": c}, {"ultimate": talib.ULTOSC(high, low, close, a, b, c)})
       for a, b, c in ((7, 14, 28), (2, 3, 5), (10, 20, 80))])

# Trend.
HLC, HLCV = ["high", "low", "close"], ["high", "low", "close", "volume"]


def aroon(n):
    down, up = talib.AROON(high, low, n)
    return {"period": n}, {"up": up, "down": down, "oscillator": talib.AROONOSC(high, low, n)}


def adx(n):
    values = {"adx": talib.ADX(high, low, close, n), "plus": talib.PLUS_DI(high, low, close, n),
              "minus": talib.MINUS_DI(high, low, close, n), "dx": talib.DX(high, low, close, n)}
    begins = ~np.isnan(values["adx"])
    return {"period": n}, {name: np.where(begins, v, np.nan) for name, v in values.items()}


write("aroon", "AROON, AROONOSC", ["high", "low"], tolerance(0, 1e-12, "One division of small integers."),
      [aroon(n) for n in (14, 2, 100)])
write("adx", "ADX, PLUS_DI, MINUS_DI, DX", HLC, tolerance(1e-11, 1e-11, RECURSION), [adx(n) for n in (14, 2, 50)])
write("sar", "SAR", ["high", "low"],
      tolerance(1e-13, 0, "Same formula in the same order; a mirrored side only changes signs."),
      [({"acceleration": a, "maximum": m}, {"sar": talib.SAR(high, low, a, m)}) for a, m in ((0.02, 0.2), (0.1, 0.1), (0.005, 1.0))])
write("midpoint", "MIDPOINT", ["close"], tolerance(0, 0, "One addition and a halving: the same bits."),
      [({"period": n}, {"midpoint": talib.MIDPOINT(close, n)}) for n in (14, 2, 100)])
write("midprice", "MIDPRICE", ["high", "low"], tolerance(0, 0, "One addition and a halving: the same bits."),
      [({"period": n}, {"midprice": talib.MIDPRICE(high, low, n)}) for n in (14, 2, 100)])
write("linreg", "LINEARREG, LINEARREG_SLOPE", ["close"],
      tolerance(1e-12, 1e-8, "TA-Lib takes the difference of products near 46,000 times the square of the period."),
      [({"period": n}, {"value": talib.LINEARREG(close, n), "slope": talib.LINEARREG_SLOPE(close, n)}) for n in (14, 2, 100)])

# Volatility.
write("natr", "NATR", HLC, tolerance(1e-12, 1e-12, RECURSION),
      [({"period": n}, {"natr": talib.NATR(high, low, close, n)}) for n in (14, 2, 50)])
write("truerange", "TRANGE", HLC, tolerance(0, 0, "Differences and their maximum: the same bits."),
      [({}, {"range": talib.TRANGE(high, low, close)})])


def keltner(n, atr, multiple):
    middle, width = talib.EMA(close, n), multiple * talib.ATR(high, low, close, atr)
    middle = np.where(np.isnan(width), np.nan, middle)
    upper, lower = middle + width, middle - width
    return {"period": n, "atr": atr, "multiple": multiple}, {"upper": upper, "middle": middle, "lower": lower}


def donchian(n):
    upper, middle, lower = talib.DONCHIAN(high, low, n)
    return {"period": n}, {"upper": upper, "middle": middle, "lower": lower}


write("keltner", "EMA of the close, ATR", HLC, tolerance(1e-12, 0, RECURSION), [keltner(20, 10, 2.0), keltner(5, 20, 1.5)])
write("donchian", "DONCHIAN", ["high", "low"], tolerance(0, 0, "Extremes and a halving: the same bits."),
      [donchian(n) for n in (20, 2, 100)])
write("stddev", "STDDEV (one deviation)", ["close"],
      tolerance(1e-6, 1e-6, "TA-Lib takes the mean of squares less the square of the mean, near 2e9: some 1e-6 of a variance is lost there."),
      [({"period": n}, {"stddev": talib.STDDEV(close, n, 1.0)}) for n in (20, 5, 100)])

# Volume.
write("obv", "OBV", ["close", "volume"], tolerance(1e-12, 1e-9, "Totals of the same numbers in the same order; signs by subtraction."),
      [({}, {"obv": talib.OBV(close, volume)})])
write("ad", "AD", HLCV, tolerance(1e-12, 1e-10, "The order of one multiplication and one division per bar."),
      [({}, {"ad": talib.AD(high, low, close, volume)})])
write("chaikin", "ADOSC", HLCV, tolerance(1e-11, 1e-7, "Averages of totals that grow to millions, whose last bit is 1e-10; TA-Lib weights with two products."),
      [({"fast": a, "slow": b}, {"chaikin": talib.ADOSC(high, low, close, volume, a, b)}) for a, b in ((3, 10), (2, 40))])
write("mfi", "MFI", HLCV, tolerance(1e-12, 1e-10, RUNNING),
      [({"period": n}, {"mfi": talib.MFI(high, low, close, volume, n)}) for n in (14, 2, 100)])
write("cmf", "CMF", HLCV, tolerance(1e-12, 1e-12, RUNNING),
      [({"period": n}, {"cmf": talib.CMF(high, low, close, volume, n)}) for n in (20, 2, 100)])
typical = talib.TYPPRICE(high, low, close)
write("vwap", "SUM(TYPPRICE * volume) / SUM(volume)", HLCV, tolerance(1e-12, 0, RUNNING),
      [({"period": n}, {"vwap": talib.SUM(typical * volume, n) / talib.SUM(volume, n)}) for n in (20, 2, 100)])
write("bop", "BOP", ["open", "high", "low", "close"], tolerance(0, 0, "Two subtractions and a division: the same bits."),
      [({}, {"bop": talib.BOP(open_, high, low, close)})])
write_long("RSI", {f"rsi_{n}": lambda close, n=n: talib.RSI(close, n) for n in (14, 2)},
           {"abs": 1e-9,
            "reason": "The same recursion with another order inside one expression: differences stay near 1e-13 of 100."})
