# Writes src/learning/classic/golden.json: fits of scikit-learn and hmmlearn that the classic families are compared with.
# Needs scikit-learn 1.9.1, hmmlearn 0.3.3 and numpy 2.4.6.
import json
from pathlib import Path

import hmmlearn
import numpy as np
import sklearn
from hmmlearn.hmm import GaussianHMM
from sklearn.cluster import DBSCAN, KMeans
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20261122)


def numbers(values):
    return [float(f'{x:.9g}') for x in np.asarray(values).ravel()]


def rows(count, columns, scale=True):
    values = rng.standard_normal((count, columns))
    if scale:
        values = values * np.geomspace(0.01, 300, columns) + np.linspace(-5, 2000, columns)
    return values.astype(np.float32).astype(np.float64)


def data(x, **more):
    return {'rows': len(x), 'columns': x.shape[1], 'inputs': numbers(x), **more}


def scaled(x, weights, standardise):
    if not standardise:
        return x, lambda other: other
    scaler = StandardScaler().fit(x, sample_weight=weights)
    return scaler.transform(x), scaler.transform


def linear(name, model, x, y, options, weights=None, standardise=True):
    z, transform = scaled(x, weights, standardise)
    model.fit(z, y, sample_weight=weights)
    fresh = rows(8, x.shape[1], scale=x.std() > 2)
    return {
        'name': name,
        'options': {**options, 'standardise': standardise},
        'data': data(x, targets=numbers(y), **({} if weights is None else {'weights': numbers(weights)})),
        'coefficients': numbers(model.coef_),
        'fresh': numbers(fresh),
        'predictions': numbers(model.predict(transform(fresh))),
    }


def target(x, noise=0.5):
    z = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    w = np.resize([1.5, 0, -2, 0, 0.7], x.shape[1])
    return (z @ w + 3 + noise * rng.standard_normal(len(x))).astype(np.float32).astype(np.float64)


def regressions(make, options):
    x, plain, wide = rows(60, 5), rows(50, 4, scale=False), rows(6, 9)
    collinear = rows(40, 4)
    collinear[:, 3] = (collinear[:, 0] * 2).astype(np.float32)
    constant = rows(40, 3)
    constant[:, 1] = 7
    weights = rng.uniform(0, 2, 60).astype(np.float32).astype(np.float64)
    weights[5] = 0
    return [
        linear('standardised', make(), x, target(x), options),
        linear('weighted', make(), x, target(x), options, weights=weights),
        linear('as given', make(), plain, target(plain), options, standardise=False),
        linear('no intercept', make(fit_intercept=False), plain, target(plain), {**options, 'intercept': False}, standardise=False),
        linear('more columns than rows', make(), wide, target(wide), options),
        linear('collinear columns', make(), collinear, target(collinear), options),
        linear('a constant column', make(), constant, target(constant), options),
    ]


def classification(name, x, y, options, weights=None, standardise=True, **more):
    model = LogisticRegression(tol=1e-12, max_iter=10_000, solver='newton-cg', **more)
    z, transform = scaled(x, weights, standardise)
    model.fit(z, y, sample_weight=weights)
    fresh = rows(8, x.shape[1], scale=x.std() > 2)
    return {
        'name': name,
        'options': {**options, 'standardise': standardise},
        'data': data(x, targets=numbers(y), classes=int(y.max()) + 1, **({} if weights is None else {'weights': numbers(weights)})),
        'fresh': numbers(fresh),
        'probabilities': numbers(model.predict_proba(transform(fresh))),
    }


def classifications():
    x, plain = rows(80, 4), rows(70, 3, scale=False)
    z = (x - x.mean(0)) / x.std(0)
    two = (z[:, 0] - z[:, 2] + rng.standard_normal(80) > 0.8).astype(int)
    three = np.digitize(z[:, 1] + 0.5 * rng.standard_normal(80), [-0.5, 1])
    other = (plain[:, 0] + rng.standard_normal(70) > 0).astype(int)
    weights = rng.uniform(0, 2, 80).astype(np.float32).astype(np.float64)
    return [
        classification('two classes', x, two, {'l2': 1}),
        classification('a small penalty', x, two, {'l2': 0.01}, C=100),
        classification('as given', plain, other, {'l2': 2}, C=0.5, standardise=False),
        classification('no intercept', plain, other, {'l2': 1, 'intercept': False}, fit_intercept=False, standardise=False),
        classification('balanced classes', x, two, {'l2': 1, 'class_weight': 'balanced'}, class_weight='balanced'),
        classification('three classes', x, three, {'l2': 0.5}, C=2),
        classification('three weighted classes', x, three, {'l2': 1, 'class_weight': [1, 2, 0.5]}, weights=weights, class_weight={0: 1, 1: 2, 2: 0.5}),
    ]


def all_of_linear():
    tight = {'tol': 1e-13, 'max_iter': 1_000_000}
    return {
        'ridge': regressions(lambda **more: Ridge(alpha=2.5, solver='svd', **more), {'alpha': 2.5}),
        'lasso': regressions(lambda **more: Lasso(alpha=0.1, **tight, **more), {'alpha': 0.1}),
        'elastic_net': regressions(
            lambda **more: ElasticNet(alpha=0.2, l1_ratio=0.3, **tight, **more), {'alpha': 0.2, 'l1_ratio': 0.3}
        ),
        'logistic': classifications(),
    }


def blobs(count, columns, groups, spread):
    centres = rng.uniform(-4, 4, (groups, columns))
    values = centres[rng.integers(0, groups, count)] + spread * rng.standard_normal((count, columns))
    return values.astype(np.float32).astype(np.float64)


def clouds():
    cases = []
    for count, columns, clusters, weighted in [(150, 2, 3, False), (200, 5, 4, True), (120, 3, 1, False)]:
        x = blobs(count, columns, clusters, 0.9)
        weights = rng.uniform(0.1, 2, count).astype(np.float32).astype(np.float64) if weighted else None
        start = x[:clusters]
        fit = KMeans(clusters, init=start, n_init=1, tol=0, algorithm='lloyd').fit(x, sample_weight=weights)
        cases.append({
            **data(x),
            'clusters': clusters,
            **({'weights': numbers(weights)} if weighted else {}),
            'centres': numbers(fit.cluster_centers_),
            'labels': [int(label) for label in fit.labels_],
            'inertia': float(fit.inertia_),
        })
    return cases


def densities():
    cases = []
    for count, columns, eps, least, weighted in [
        (200, 1, 0.05, 4, False), (250, 2, 0.4, 5, False), (250, 3, 0.8, 6, True), (250, 6, 2.0, 5, False), (60, 2, 1e-3, 3, False),
    ]:
        x = np.vstack([blobs(count - 30, columns, 3, 0.7), rng.uniform(-6, 6, (30, columns))])
        x = rng.permutation(x).astype(np.float32).astype(np.float64)
        weights = rng.integers(0, 3, count).astype(float) if weighted else None
        fit = DBSCAN(eps=eps, min_samples=least).fit(x, sample_weight=weights)
        cases.append({
            **data(x),
            'eps': eps,
            'minPoints': least,
            **({'weights': numbers(weights)} if weighted else {}),
            'labels': [int(label) for label in fit.labels_],
            'core': [int(row) for row in fit.core_sample_indices_],
        })
    return cases


def regimes():
    cases = []
    for covariance, columns, states in [('diag', 1, 2), ('diag', 3, 3), ('full', 2, 2)]:
        count, spread = 400, [0.5, 1.5, 4][:states]
        state = np.zeros(count, int)
        for i in range(1, count):
            state[i] = state[i - 1] if rng.random() < 0.95 else rng.integers(0, states)
        x = rng.standard_normal((count, columns)) * np.array(spread)[state][:, None] + np.array([0.2, -1, 1])[state][:, None]
        x = x.astype(np.float32).astype(np.float64)
        start = np.vstack([x[state == k].mean(0) for k in range(states)])
        model = GaussianHMM(
            states, covariance, init_params='', tol=1e-9, n_iter=2000, min_covar=0,
            covars_prior=0, covars_weight=0 if covariance == 'full' else 1, implementation='log',
        )
        model.n_features = columns
        model.startprob_ = np.full(states, 1 / states)
        model.transmat_ = np.full((states, states), 0.1 / (states - 1)) + np.eye(states) * (0.9 - 0.1 / (states - 1))
        model.means_ = start
        whole = np.cov(x, rowvar=False, ddof=0).reshape(columns, columns)
        model.covars_ = np.stack([np.diag(whole) if covariance == 'diag' else whole] * states)
        model.fit(x)
        order = np.argsort([np.trace(one) for one in model.covars_])
        likelihood = model.score(x)
        path = model.predict(x)
        cases.append({
            **data(x),
            'states': states,
            'covariance': 'diagonal' if covariance == 'diag' else 'full',
            'start': numbers(start),
            'initial': numbers(model.startprob_[order]),
            'transitions': numbers(model.transmat_[order][:, order]),
            'means': numbers(model.means_[order]),
            'covariances': numbers(model.covars_[order]),
            'likelihood': float(likelihood),
            'path': [int(np.flatnonzero(order == one)[0]) for one in path],
            'smoothed_last': numbers(model.predict_proba(x)[-1][order]),
            'smoothed_middle': numbers(model.predict_proba(x)[200][order]),
        })
    return cases


versions = f'scikit-learn {sklearn.__version__}, hmmlearn {hmmlearn.__version__}, numpy {np.__version__}'
json.dump(
    {
        'source': versions,
        'tolerance_why': 'fits in float64 of the same float32 inputs; parameters and the served graph are float32, whose 24 bits keep sums of ten terms to 1e-5 of the largest',
        'tolerance': 1e-5,
        **all_of_linear(),
    },
    open(root / 'src/learning/classic/golden.json', 'w'),
)
target_folder = root / 'src/native/kernels/learning/classic'
target_folder.mkdir(exist_ok=True)
json.dump(
    {
        'source': versions,
        'tolerance_why': 'labels are equal; centres and inertia are the same sums in another order; Baum-Welch of both ends where a round gains less than 1e-9 nats in all, some 1e-5 from its limit',
        'kmeans': clouds(),
        'dbscan': densities(),
        'hmm': regimes(),
    },
    open(target_folder / 'golden.json', 'w'),
)
