# Writes src/learning/validation/unlabelled/golden.json: scores of groups and components by scikit-learn.
# Needs scikit-learn 1.9.1 and numpy 2.4.6.
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, silhouette_samples

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20261123)


def numbers(values):
    return [float(f'{x:.12g}') for x in np.asarray(values).ravel()]


columns = 3
groups = np.repeat([0, 1, 2, 3], [30, 20, 9, 1])
x = rng.standard_normal((len(groups), columns)) + groups[:, None] * 1.2
x = x.astype(np.float32).astype(np.float64)
other = np.where(rng.uniform(size=len(groups)) < 0.7, groups, rng.integers(0, 3, len(groups)))

fit = rng.standard_normal((80, 5)) @ rng.standard_normal((5, 5)) * [1, 2, 3, 4, 5] + 7
test = rng.standard_normal((40, 5)) @ rng.standard_normal((5, 5)) * [1, 2, 3, 4, 5] + 7
fit, test = (rows.astype(np.float32).astype(np.float64) for rows in (fit, test))
mean, deviation = fit.mean(axis=0), fit.std(axis=0)
pca = PCA(n_components=2).fit((fit - mean) / deviation)
standard = (test - mean) / deviation
again = pca.inverse_transform(pca.transform(standard))

golden = {
    'source': f'scikit-learn {sklearn.__version__}, numpy {np.__version__}',
    'tolerance': 1e-9,
    'reason': 'the same sums in float64 in another order',
    'groups': {
        'columns': columns,
        'values': numbers(x),
        'labels': groups.tolist(),
        'other': other.tolist(),
        'silhouettes': numbers(silhouette_samples(x, groups)),
        'rand_index': float(adjusted_rand_score(groups, other)),
    },
    'components': {
        'columns': 5,
        'latent': 2,
        'fit': numbers(fit),
        'test': numbers(test),
        'error': float(np.mean((again - standard) ** 2)),
        'error_of_mean': float(np.mean(standard**2)),
    },
}
path = root / 'src/learning/validation/unlabelled/golden.json'
path.write_text(json.dumps(golden) + '\n')
