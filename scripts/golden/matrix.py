# Writes src/native/kernels/matrix/golden.json: what numpy, scipy, pandas, scikit-learn and PyPortfolioOpt answer.
# Needs numpy 2.4.6, scipy 1.17.1, pandas, scikit-learn 1.9.1 and the source of PyPortfolioOpt (without its solvers).
import importlib.metadata
import importlib.util
import json
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import scipy.linalg
import sklearn
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20040222)


def flat(a):
    return [None if np.isnan(x) else float(x) for x in np.asarray(a, dtype=float).ravel()]


def signs(rows):
    """One for each row: its largest component in size becomes positive."""
    at = np.argmax(np.abs(rows), axis=1)
    return np.where(rows[np.arange(len(rows)), at] < 0, -1.0, 1.0)


def pypfopt_shrinkage():
    """risk_models alone: the package itself imports optimisers that are not needed."""
    package = types.ModuleType('pypfopt')
    package.__path__ = list(importlib.util.find_spec('pypfopt').submodule_search_locations)
    sys.modules['pypfopt'] = package
    from pypfopt import risk_models

    return risk_models.CovarianceShrinkage


versions = {
    'numpy': np.__version__,
    'scipy': scipy.__version__,
    'pandas': pd.__version__,
    'scikit-learn': sklearn.__version__,
    'PyPortfolioOpt': importlib.metadata.version('PyPortfolioOpt'),
}
factor = rng.standard_normal((40, 1))
x = (0.01 * (factor + rng.standard_normal((40, 5)) * np.array([1, 0.5, 2, 1.5, 0.8]))).round(5)
holes = x.copy()
holes[rng.random(x.shape) < 0.15] = np.nan
holes[:, 4] = np.where(np.arange(40) < 3, x[:, 4], np.nan)
frame = pd.DataFrame(holes)
spd = (np.cov(x, rowvar=False) * 1e4).round(6)
w, v = np.linalg.eigh(spd)
v = v.T * signs(v.T)[:, None]
a = rng.standard_normal((7, 4)).round(3)
u, s, vt = np.linalg.svd(a, full_matrices=False)
fix = signs(vt)
b = rng.standard_normal((7, 2)).round(3)
ls_x, ls_r, ls_rank, ls_s = np.linalg.lstsq(a, b, rcond=None)
dependent = a.copy()
dependent[:, 3] = dependent[:, 0] - 2 * dependent[:, 1]
dep_x, _, dep_rank, _ = np.linalg.lstsq(dependent, b, rcond=1e-10)
wide_x, _, wide_rank, _ = np.linalg.lstsq(a.T, b[:4], rcond=None)
pca = PCA(n_components=3, svd_solver='full').fit(x)
pca_fix = signs(pca.components_)
lw, lw_shrinkage = ledoit_wolf(x)
shrunk = pypfopt_shrinkage()(pd.DataFrame(x), returns_data=True, frequency=1)
# It takes pandas' divisor t - 1 for the covariance and t for all else; the paper has t throughout.
shrunk.S = np.cov(x, rowvar=False, ddof=0)
correlation_target = shrunk.ledoit_wolf(shrinkage_target='constant_correlation')

golden = {
    'versions': versions,
    'panel': {'observations': 40, 'assets': 5, 'values': flat(x), 'holes': flat(holes)},
    'covariance': {
        'source': 'numpy cov; pandas DataFrame.cov(min_periods=4) for the panel with holes',
        'ddof1': flat(np.cov(x, rowvar=False)),
        'ddof0': flat(np.cov(x, rowvar=False, ddof=0)),
        'holes': flat(frame.cov(min_periods=4)),
    },
    'correlation': {
        'source': 'numpy corrcoef; pandas DataFrame.corr(min_periods=4) for the panel with holes',
        'full': flat(np.corrcoef(x, rowvar=False)),
        'holes': flat(frame.corr(min_periods=4)),
    },
    'spd': {
        'source': 'numpy linalg.cholesky, linalg.inv',
        'n': 5,
        'a': flat(spd),
        'l': flat(np.linalg.cholesky(spd)),
        'inverse': flat(np.linalg.inv(spd)),
        'condition': float(np.linalg.cond(spd)),
    },
    'eigen': {
        'source': 'numpy linalg.eigh of 1e4 times the covariance, one vector in each row, signs fixed',
        'values': flat(w),
        'vectors': flat(v),
    },
    'svd': {
        'source': 'numpy linalg.svd, signs fixed by the rows of vt',
        'rows': 7,
        'columns': 4,
        'a': flat(a),
        'u': flat(u * fix),
        'values': flat(s),
        'vt': flat(vt * fix[:, None]),
    },
    'least_squares': {
        'source': 'numpy linalg.lstsq: full rank, dependent columns (rcond 1e-10), and the transpose of a (wide)',
        'nrhs': 2,
        'b': flat(b),
        'x': flat(ls_x),
        'residuals': flat(ls_r),
        'rank': int(ls_rank),
        'dependent': {'a': flat(dependent), 'x': flat(dep_x), 'rank': int(dep_rank)},
        'wide': {'x': flat(wide_x), 'rank': int(wide_rank)},
    },
    'pca': {
        'source': 'scikit-learn PCA(svd_solver=full), signs fixed',
        'components': 3,
        'axes': flat(pca.components_ * pca_fix[:, None]),
        'variance': flat(pca.explained_variance_),
        'share': flat(pca.explained_variance_ratio_),
        'mean': flat(pca.mean_),
        'scores': flat(pca.transform(x) * pca_fix),
    },
    'ledoit_wolf': {
        'source': 'scikit-learn ledoit_wolf; PyPortfolioOpt CovarianceShrinkage.ledoit_wolf(constant_correlation) given the covariance with the divisor t',
        'constant_variance': flat(lw),
        'variance_shrinkage': float(lw_shrinkage),
        'constant_correlation': flat(correlation_target),
        'correlation_shrinkage': float(shrunk.delta),
    },
    'nearest_psd': {
        'source': 'Higham 2002, Computing the nearest correlation matrix, section 4: both printed examples, four digits',
        'cases': [
            {
                'n': 3,
                'a': [1, 1, 0, 1, 1, 1, 0, 1, 1],
                'expected': [1, 0.7607, 0.1573, 0.7607, 1, 0.7607, 0.1573, 0.7607, 1],
            },
            {
                'n': 4,
                'a': [2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2],
                'expected': [
                    *[1, -0.8084, 0.1916, 0.1068, -0.8084, 1, -0.6562, 0.1916],
                    *[0.1916, -0.6562, 1, -0.8084, 0.1068, 0.1916, -0.8084, 1],
                ],
            },
        ],
    },
}
with open(root / 'src/native/kernels/matrix/golden.json', 'w') as out:
    json.dump(golden, out, indent=1)
    out.write('\n')
