# Writes src/native/golden.json: what numpy answers. Needs numpy 2.4.6 and ../shared/data.
import csv
import gzip
import json
from pathlib import Path

import numpy as np

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
json.dump({'gemm': g, 'solve_spd': s}, open(root / 'src/native/golden.json', 'w'), indent=1)
