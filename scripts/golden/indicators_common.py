# What the golden scripts of the indicators share: the bars, and how a file is written. See indicators_golden.py.
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
LONG_FILE = "orcl-1995-2014-daily-ohlcv.csv.gz"

with gzip.open(DATA / FILE, "rt") as handle:
    rows = [row for _, row in zip(range(ROWS), csv.DictReader(handle))]
bars = {name: np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}

RECURSION = (
    "Same formula in the same order; only the rounding of one multiplication or division per bar may differ, "
    "and each recursion forgets a rounding faster than it adds one."
)
RUNNING = "TA-Lib adds to and subtracts from running sums, here no value is ever subtracted again; roundings of a sum stay."


def plain(values):
    return [None if math.isnan(v) else float(v) for v in values]


def source(function, data):
    return {
        "library": "TA-Lib",
        "version": talib.__ta_version__.decode().split(" ")[0],
        "wrapper": f"TA-Lib for Python {talib.__version__}",
        "function": function,
        "data": data,
    }


def write(name, function, inputs, tolerance, cases):
    golden = {
        "source": source(function, f"{FILE}, first {ROWS} bars"),
        "tolerance": tolerance,
        "inputs": {key: [float(v) for v in bars[key]] for key in inputs},
        "cases": [
            {"options": options, "outputs": {key: plain(v) for key, v in outputs.items()}}
            for options, outputs in cases
        ],
    }
    (OUT / name / "golden.json").write_text(json.dumps(golden) + "\n")


def write_long(function, calls, tolerance):
    """All closes of a long series are read by the test; the file keeps a few values of each call, by bar."""
    with gzip.open(DATA / LONG_FILE, "rt") as handle:
        close = np.array([float(row["Close"]) for row in csv.DictReader(handle)])
    kept = [14, 15, 16, 50, *range(100, len(close), 400), len(close) - 1]
    golden = {
        "source": source(function, LONG_FILE),
        "tolerance": tolerance,
        "bars": len(close),
    }
    for name, call in calls.items():
        values = call(close)
        golden[name] = {str(bar): float(values[bar]) for bar in kept}
    (OUT / "golden.json").write_text(json.dumps(golden) + "\n")


def tolerance(rel, absolute, reason):
    return {"rel": rel, "abs": absolute, "reason": reason}
