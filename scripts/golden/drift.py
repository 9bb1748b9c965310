# Writes src/learning/drift/golden.json, what SciPy, evidently and river answer, and src/native/kernels/statistics/columns-golden.json, what numpy does.
# Needs scipy 1.17.1, numpy 2.4.6, pandas below 3, evidently 0.7.23 and river 0.26.1.
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from evidently.legacy.calculations.stattests import (
    chi_stat_test,
    jensenshannon_stat_test,
    ks_stat_test,
    psi_stat_test,
    wasserstein_stat_test,
)
from evidently.legacy.core import ColumnType
from river._river_rust.drift import AdaptiveWindowing
from river.drift import PageHinkley
from river.drift.binary import DDM
from scipy import stats
from scipy.spatial.distance import jensenshannon

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20070426)


def listed(values):
    return [float(x) for x in values]


def evidently(test, a, b, kind):
    return float(test.func(pd.Series(a), pd.Series(b), kind, 0.05)[0])


samples = []
for n, m, shift, places in ((20, 15, 0.5, 3), (60, 45, 0.4, 1), (700, 500, 0.1, 3)):
    a = rng.standard_normal(n).round(places)
    b = (rng.standard_normal(m) * 1.2 + shift).round(places)
    exact = stats.ks_2samp(a, b, method='exact')
    limit = scipy.special.kolmogorov(exact.statistic * np.sqrt(n * m / (n + m)))
    samples.append(
        {
            'a': listed(a),
            'b': listed(b),
            'ks': float(exact.statistic),
            'ks_p': float(exact.pvalue if n * m <= 100_000 else limit),
            'wasserstein': float(stats.wasserstein_distance(a, b)),
            # evidently divides by the population's deviation, here the sample's.
            'evidently_wasserstein': evidently(wasserstein_stat_test, a, b, ColumnType.Numerical) * np.std(a) / np.std(a, ddof=1),
            'evidently_ks_p': evidently(ks_stat_test, a, b, ColumnType.Numerical),
        }
    )

tables = []
for one, other in (([50, 30, 20, 40], [20, 35, 30, 15]), ([300, 200, 100], [90, 80, 60])):
    table = np.array([one, other])
    result = stats.chi2_contingency(table, correction=False)
    even = table / table.sum(axis=1, keepdims=True) * 1e6
    a = np.repeat([f'c{i}' for i in range(len(one))], one)
    b = np.repeat([f'c{i}' for i in range(len(one))], other)
    tables.append(
        {
            'reference': one,
            'current': other,
            'chi2': float(result.statistic),
            'p': float(result.pvalue),
            'df': int(result.dof),
            'v': float(np.sqrt(stats.chi2_contingency(even, correction=False).statistic / even.sum())),
            'js': float(jensenshannon(one, other)),
            'evidently_psi': evidently(psi_stat_test, a, b, ColumnType.Categorical),
            'evidently_js': evidently(jensenshannon_stat_test, a, b, ColumnType.Categorical),
        }
    )

shares = []
for a, n, b, m in ((3, 100, 12, 90), (0, 50, 6, 50), (400, 1000, 350, 1000)):
    p = stats.chi2_contingency([[a, n - a], [b, m - b]], correction=True).pvalue
    shares.append([a, n, b, m, float(p)])

tails = [[x, df, float(stats.chi2.sf(x, df))] for x in (0.1, 1, 5, 20, 100, 400) for df in (1, 2, 9, 50)]
quantiles = [[p, df, float(stats.chi2.isf(p, df))] for p in (0.5, 0.05, 0.001) for df in (1, 9, 99)]
noncentral = [
    [x, df, nc, float(stats.ncx2.sf(x, df, nc))]
    for x, df in ((3.84, 1), (16.9, 9), (66.3, 49))
    for nc in (0.01, 1, 10, 60, 300)
]
kolmogorov = [[z, float(scipy.special.kolmogorov(z))] for z in (0.2, 0.5, 0.9, 1.0, 1.36, 2, 4)]
normal = [[z, float(stats.norm.cdf(z))] for z in (-8, -3, -1, 0, 0.5, 2, 6)]
p = [0.001, 0.2, 0.03, 0.03, 0.9, 0.012, 0.5]

# Values between 0 and 1: level, a jump, a slow climb, a level again; then a quiet stream.
level = np.concatenate(
    [np.full(400, 0.3), np.full(300, 0.6), np.linspace(0.6, 0.2, 400), np.full(300, 0.2), np.full(200, 0.9)]
)
stream = np.clip(level + 0.1 * rng.standard_normal(len(level)), 0, 1).round(3)
adwins = []
for options in ({}, {'delta': 0.05, 'clock': 1}, {'max_buckets': 3, 'min_window_length': 20, 'grace_period': 60}):
    settings = {'delta': 0.002, 'clock': 32, 'max_buckets': 5, 'min_window_length': 5, 'grace_period': 10, **options}
    # Beneath river's detector, which forgets its whole window after a change: here it keeps what came after, as in the paper.
    helper = AdaptiveWindowing(**settings)
    found = [i for i, x in enumerate(stream) if helper.update(x)]
    adwins.append(
        {
            'options': settings,
            'detections': found,
            'width': int(helper.get_width()),
            'total': float(helper.get_total()),
            'variance': float(helper.get_variance()),
        }
    )
hinkleys = []
for options in ({'threshold': 5.0}, {'threshold': 3.0, 'delta': 0.05, 'mode': 'up'}, {'threshold': 8.0, 'alpha': 0.99, 'mode': 'down'}):
    detector = PageHinkley(**options)
    found = []
    for i, x in enumerate(stream):
        detector.update(x)
        if detector.drift_detected:
            found.append(i)
    hinkleys.append({'options': options, 'detections': found})
errors = (rng.random(1500) < np.concatenate([np.full(600, 0.2), np.full(400, 0.45), np.full(500, 0.8)])).astype(int)
detector = DDM()
warnings, drifts = [], []
for i, x in enumerate(errors):
    detector.update(int(x))
    if detector.warning_detected:
        warnings.append(i)
    if detector.drift_detected:
        drifts.append(i)

# Smooth, with ties and gaps, far from zero, without a number.
table = np.stack([rng.standard_normal(70), rng.standard_normal(70).round(), 1e6 + rng.random(70), np.full(70, np.nan)], axis=1)
table[rng.random(table.shape) < 0.1] = np.nan
table[5, 0], table[6, 1] = np.inf, -np.inf
table = table.round(3)
POINTS = 16
summaries = []
for column in table.T:
    numbers = np.sort(column[np.isfinite(column)])
    count = len(numbers)
    summaries.append(
        {
            'counts': [count, int(np.isnan(column).sum()), int(np.isinf(column).sum())],
            'moments': [float(numbers.min()), float(numbers.max()), float(numbers.mean()), float(numbers.var() * count)] if count else None,
            # The middle of each share: the inverse of the empirical distribution, as numpy has it, just above (i + 1/2) / points.
            'points': listed(np.quantile(numbers, (np.arange(POINTS) + 0.5 + 1e-9) / POINTS, method='inverted_cdf')) if count else [],
        }
    )

json.dump(
    {
        'source': ', '.join(f'{name} {version(name)}' for name in ('scipy', 'evidently', 'river')),
        'samples': samples,
        'tables': tables,
        'shares': shares,
        'chi2_tails': tails,
        'chi2_quantiles': quantiles,
        'noncentral': noncentral,
        'kolmogorov': kolmogorov,
        'normal': normal,
        'p': p,
        'benjamini_hochberg': listed(stats.false_discovery_control(p, method='bh')),
        'stream': listed(stream),
        'adwin': adwins,
        'page_hinkley': hinkleys,
        'errors': ''.join(str(x) for x in errors),
        'ddm': {'warnings': warnings, 'drifts': drifts},
    },
    open(root / 'src/learning/drift/golden.json', 'w'),
)
json.dump(
    {
        'source': f'numpy {np.__version__}',
        'tolerance_why': 'sums of 70 numbers in another order',
        'table': [None if np.isnan(x) else 'inf' if x == np.inf else '-inf' if x == -np.inf else float(x) for x in table.ravel()],
        'summaries': summaries,
    },
    open(root / 'src/native/kernels/statistics/columns-golden.json', 'w'),
)
