# Writes src/indicators/<name>/golden.json from TA-Lib. Documents where the values come from; no test or program runs it.
#
#   python -m venv venv && venv/bin/pip install TA-Lib numpy
#   venv/bin/python scripts/golden/indicators_golden.py ../shared/data
import csv
import gzip
import json
import math
import pathlib
import sys

import numpy as np
import talib

DATA = pathlib.Path(sys.argv[1])
OUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "indicators"
FILE = "btc-perp-1min-ohlcv-2022-01.csv.gz"
ROWS = 300

with gzip.open(DATA / FILE, "rt") as handle:
    rows = [row for _, row in zip(range(ROWS), csv.DictReader(handle))]
bars = {name: np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}
close, high, low = bars["close"], bars["high"], bars["low"]

RECURSION = (
    "Same formula in the same order; only the rounding of one multiplication or division per bar may differ, "
    "and each recursion forgets a rounding faster than it adds one."
)


def plain(values):
    return [None if math.isnan(v) else float(v) for v in values]


def write(name, function, inputs, tolerance, cases):
    golden = {
        "source": {
            "library": "TA-Lib",
            "version": talib.__ta_version__.decode().split(" ")[0],
            "wrapper": f"TA-Lib for Python {talib.__version__}",
            "function": function,
            "data": f"{FILE}, first {ROWS} bars",
        },
        "tolerance": tolerance,
        "inputs": {key: [float(v) for v in bars[key]] for key in inputs},
        "cases": [
            {"options": options, "outputs": {key: plain(v) for key, v in outputs.items()}}
            for options, outputs in cases
        ],
    }
    (OUT / name / "golden.json").write_text(json.dumps(golden) + "\n")


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
write("sma", "SMA", ["close"],
      {"rel": 1e-14, "abs": 0,
       "reason": "TA-Lib adds and subtracts one running sum; a few roundings of a sum stay."},
      [({"period": n}, {"sma": talib.SMA(close, n)}) for n in (20, 2, 200)])
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
