# Writes src/native/golden.json: what numpy and TA-Lib answer. Needs numpy 2.4.6, TA-Lib 0.8.2 and ../shared/data.
import csv
import gzip
import json
from pathlib import Path

import numpy as np
import talib

root = Path(__file__).resolve().parents[2]
data = root.parent / 'shared/data'
rng = np.random.default_rng(20240607)


def r(a):
    return [float(x) for x in np.asarray(a).ravel()]


a = rng.standard_normal((3, 5)).round(3)
b = rng.standard_normal((5, 4)).round(3)
c = rng.standard_normal((3, 4)).round(3)
g = {
    'source': f'numpy {np.__version__}: alpha * a @ b + beta * out, and np.linalg.solve',
    'tolerance_why': 'five products and a sum in f64: a few units of 2^-53 times |a||b| < 30',
    'm': 3,
    'n': 4,
    'k': 5,
    'a': r(a),
    'b': r(b),
    'out': r(c),
    'alpha': 1.25,
    'beta': -0.5,
    'expected': r(1.25 * (a @ b) - 0.5 * c),
}
with gzip.open(data / 'sp500-20-stocks-daily-close-1990-2022.csv.gz', 'rt') as f:
    rows = list(csv.reader(f))
names = rows[0][1:]
P = np.array([[float(x) for x in q[1:]] for q in rows[1:]])
R = np.diff(np.log(P[-253:]), axis=0)[:, :5]
cov = np.cov(R, rowvar=False) * 252
w = np.linalg.solve(cov, np.ones(5))
s = {
    'source': f'numpy {np.__version__} np.linalg.solve (LU) of the annualised covariance of the last 252 daily log returns',
    'assets': names[:5],
    'n': 5,
    'a': r(cov),
    'b': [1.0] * 5,
    'x': r(w),
    'condition': float(np.linalg.cond(cov)),
}
with gzip.open(data / 'orcl-1995-2014-daily-ohlcv.csv.gz', 'rt') as f:
    rows = list(csv.DictReader(f))
close = np.array([float(q['Close']) for q in rows])
v = talib.RSI(close, 14)
v2 = talib.RSI(close, 2)


def at(v):
    i = [14, 15, 16, 50] + list(range(100, len(close), 400)) + [len(close) - 1]
    return {str(k): float(v[k]) for k in i}


u = {
    'source': f'TA-Lib {talib.__ta_version__.decode().split()[0]} (Python package TA-Lib {talib.__version__}) RSI of ORCL daily closes (orcl-1995-2014-daily-ohlcv)',
    'first_closes': r(close[:40]),
    'first_rsi_14': [None if np.isnan(x) else float(x) for x in v[:40]],
    'bars': len(close),
    'rsi_14': at(v),
    'rsi_2': at(v2),
}
json.dump({'gemm': g, 'solve_spd': s, 'rsi': u}, open(root / 'src/native/golden.json', 'w'), indent=1)
