# Writes src/native/kernels/statistics/golden.json: what pandas, numpy and scipy answer.
# Needs pandas 3.1.1, numpy 2.4.6 and scipy 1.17.1.
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import scipy.special
import scipy.stats

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20051115)


def flat(a):
    return [None if not np.isfinite(x) else float(x) for x in np.asarray(a, dtype=float).ravel()]


BARS, SERIES, WINDOW, LEAST = 60, 3, 8, 5
x = (100 + rng.standard_normal((BARS, SERIES)).cumsum(0)).round(2)
y = (0.5 * x + 20 + rng.standard_normal((BARS, SERIES)).cumsum(0)).round(2)
x[rng.random(x.shape) < 0.1] = np.nan
y[rng.random(y.shape) < 0.05] = np.nan
X, Y = pd.DataFrame(x), pd.DataFrame(y)

rolling = {}
for name, w in (('full', X.rolling(WINDOW)), ('least', X.rolling(WINDOW, min_periods=LEAST))):
    rolling[name] = {
        'rolling_sum': flat(w.sum()),
        'rolling_mean': flat(w.mean()),
        'rolling_min': flat(w.min()),
        'rolling_max': flat(w.max()),
        'rolling_var': flat(w.var()),
        'rolling_std': flat(w.std()),
        'rolling_skew': flat(w.skew()),
        'rolling_kurtosis': flat(w.kurt()),
        'rolling_quantile': flat(w.quantile(0.3)),
        'rolling_rank': flat(w.rank()),
        'rolling_covariance': flat(w.cov(Y, pairwise=False)),
        'rolling_correlation': flat(w.corr(Y, pairwise=False)),
    }


def line(xs, ys):
    ok = np.isfinite(xs) & np.isfinite(ys)
    if ok.sum() < LEAST:
        return [np.nan] * 4
    fit = scipy.stats.linregress(xs[ok], ys[ok])
    return [fit.slope, fit.intercept, fit.rvalue**2, ys[-1] - fit.intercept - fit.slope * xs[-1]]


def lines(over):
    out = np.full((4, BARS, SERIES), np.nan)
    for s in range(SERIES):
        for t in range(BARS):
            span = slice(max(0, t - WINDOW + 1), t + 1)
            ys = y[span, s]
            out[:, t, s] = line(x[span, s] if over else np.arange(WINDOW - len(ys), WINDOW, dtype=float), ys)
    return {k: flat(v) for k, v in zip(('slope', 'intercept', 'r2', 'residual'), out)}


ewm = []
for alpha, adjust, ignore_na, bias, least in ((0.1, True, False, False, 0), (0.3, False, True, True, 4), (0.2, False, False, False, 0)):
    w = X.ewm(alpha=alpha, adjust=adjust, ignore_na=ignore_na, min_periods=least)
    ewm.append(
        {
            'options': {'alpha': alpha, 'adjust': adjust, 'ignoreNa': ignore_na, 'minPeriods': least},
            'bias': bias,
            'ewm_mean': flat(w.mean()),
            'ewm_var': flat(w.var(bias=bias)),
            'ewm_std': flat(w.std(bias=bias)),
            'ewm_covariance': flat(w.cov(Y, bias=bias, pairwise=False)),
            'ewm_correlation': flat(w.corr(Y, pairwise=False)),
        }
    )

BARS2, SERIES2, FACTORS = 3, 14, 2
v = (rng.standard_normal((BARS2, SERIES2)) * 3).round(1)
v[rng.random(v.shape) < 0.1] = np.nan
groups = rng.integers(-1, 3, SERIES2)
factors = rng.standard_normal((FACTORS, BARS2, SERIES2)).round(2)
V = pd.DataFrame(v)
left = np.full(v.shape, np.nan)
for t in range(BARS2):
    ok = np.isfinite(v[t]) & (groups >= 0)
    design = np.column_stack([groups[ok] == g for g in range(3)] + [f[t][ok] for f in factors]).astype(float)
    left[t, ok] = v[t, ok] - design @ np.linalg.lstsq(design, v[t, ok], rcond=None)[0]
low, high = np.nanquantile(v, [0.1, 0.8], axis=1)
cross = {
    'bars': BARS2,
    'series': SERIES2,
    'factors': FACTORS,
    'values': flat(v),
    'groups': [int(g) for g in groups],
    'regressors': flat(factors),
    'cross_rank': {m: flat(V.rank(axis=1, method=m)) for m in ('average', 'min', 'max', 'first')},
    'percent': flat(V.rank(axis=1, pct=True)),
    'cross_zscore': flat(scipy.stats.zscore(v, axis=1, ddof=1, nan_policy='omit')),
    'cross_winsorise': flat(np.clip(v, low[:, None], high[:, None])),
    'cross_neutralise': flat(left),
}

sample = rng.standard_normal(50).round(1)
other = (rng.standard_normal(40) * 1.2 + 0.3).round(3)
far = (rng.standard_normal(40) + 3).round(3)
METHODS = ('linear', 'lower', 'higher', 'nearest', 'midpoint')
counts, edges = np.histogram(sample, 6)
inner = np.quantile(sample, np.arange(1, 5) / 5)
share = lambda a: np.bincount(np.searchsorted(inner, a, side='left'), minlength=5) / len(a)
e, a = np.maximum(share(sample), 1e-4), np.maximum(share(other), 1e-4)
D = X.ffill().bfill() / X.ffill().bfill().cummax() - 1


def ks(one, two):
    exact = scipy.stats.ks_2samp(one, two, method='exact')
    z = exact.statistic * math.sqrt(len(one) * len(two) / (len(one) + len(two)))
    return {'statistic': float(exact.statistic), 'exact': float(exact.pvalue), 'asymptotic': float(scipy.special.kolmogorov(z))}


samples = {
    'sample': flat(sample),
    'other': flat(other),
    'far': flat(far),
    'at': [0, 0.1, 0.37, 0.5, 1],
    'quantiles': {m: flat(np.quantile(sample, [0, 0.1, 0.37, 0.5, 1], method=m)) for m in METHODS},
    'argsort': [int(i) for i in np.argsort(sample, kind='stable')],
    'counts': [int(c) for c in counts],
    'bounds': flat(edges),
    'ks': ks(sample, other),
    'ks_far': ks(sample, far),
    'psi': float(((a - e) * np.log(a / e)).sum()),
    'drawdown': flat(D),
    'max_drawdown': flat(D.min()),
    'trough': [int(i) for i in D.to_numpy().argmin(0)],
}

json.dump(
    {
        'source': f'pandas {pd.__version__}, numpy {np.__version__}, scipy {scipy.__version__}',
        'bars': BARS,
        'series': SERIES,
        'window': WINDOW,
        'minPeriods': LEAST,
        'x': flat(x),
        'y': flat(y),
        'filled': flat(X.ffill().bfill()),
        'rolling': rolling,
        'regression': lines(True),
        'trend': lines(False),
        'ewm': ewm,
        'cross': cross,
        'samples': samples,
    },
    open(root / 'src/native/kernels/statistics/golden.json', 'w'),
    indent=1,
)
