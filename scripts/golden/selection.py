# Writes src/learning/selection/golden.json: values of scikit-learn, scipy and numpy that the choice of features is compared with.
# Needs scikit-learn 1.9.1, scipy 1.17.1 and numpy 2.4.6.
import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20261123)
ROWS = 240


def numbers(values):
    return [float(f'{x:.9g}') for x in np.asarray(values, dtype=float).ravel()]


def rounded(values):
    return np.array(numbers(values))


base = rng.standard_normal(ROWS)
columns = [
    rounded(base + 0.5 * rng.standard_normal(ROWS)),
    rounded(rng.standard_normal(ROWS)),
    rounded(np.exp(rng.standard_normal(ROWS)) * 300),
    rounded(np.abs(base) + 0.2 * rng.standard_normal(ROWS)),
    # Equal numbers.
    np.floor(3 * base),
]
target = rounded(base + 0.3 * rng.standard_normal(ROWS))
three = np.digitize(base + 0.5 * rng.standard_normal(ROWS), [-0.6, 0.5]).astype(float)
two = (three > 0).astype(float)
x = np.column_stack(columns)
continuous = x[:, :4]

codes_a = rng.integers(0, 5, 300)
codes_b = np.where(rng.random(300) < 0.5, codes_a, rng.integers(0, 7, 300))

p_values = numbers([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 1.0, 1e-9])
golden = {
    'libraries': f'scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, numpy {np.__version__}',
    'rows': ROWS,
    'columns': [numbers(c) for c in columns],
    'target': numbers(target),
    'two': numbers(two),
    'three': numbers(three),
    'information': {
        'regression': numbers(mutual_info_regression(continuous, target, n_neighbors=3, random_state=0)),
        'regression_5': numbers(mutual_info_regression(continuous, target, n_neighbors=5, random_state=0)),
        'classes': numbers(mutual_info_classif(continuous, three, n_neighbors=3, random_state=0)),
        'codes': {'a': codes_a.tolist(), 'b': codes_b.tolist(), 'value': float(mutual_info_score(codes_a, codes_b))},
    },
    'correlation': {
        'pearson': numbers(np.corrcoef(x.T)),
        'spearman': numbers(stats.spearmanr(x).statistic),
        'kendall': numbers([[stats.kendalltau(a, b).statistic for a in columns] for b in columns]),
    },
    'tests': {
        'spearman': [numbers(stats.spearmanr(c, target)) for c in columns],
        'two': [
            float(stats.mannwhitneyu(c[two == 0], c[two == 1], use_continuity=False, method='asymptotic').pvalue)
            for c in columns
        ],
        'three': [float(stats.kruskal(*[c[three == k] for k in range(3)]).pvalue) for c in columns],
    },
    'discovery': {
        'p': p_values,
        'benjamini_hochberg': numbers(stats.false_discovery_control(p_values, method='bh')),
        'benjamini_yekutieli': numbers(stats.false_discovery_control(p_values, method='by')),
    },
    'tails': {
        'student': [[t, f, float(2 * stats.t.sf(t, f))] for t, f in [(0.1, 1), (2.0, 4), (2.0, 19), (8.0, 19), (1.5, 1000), (40.0, 300), (5.0, 49998)]],
        'chi_squared': [[v, f, float(stats.chi2.sf(v, f))] for v, f in [(0.01, 1), (3.84, 1), (60.0, 1), (5.0, 2), (1.0, 5), (30.0, 9), (200.0, 9)]],
    },
}
(root / 'src/learning/selection/golden.json').write_text(json.dumps(golden, indent=1) + '\n')
