# Writes src/learning/trees/golden.json: scores of LightGBM, XGBoost and scikit-learn on fixed rows, and contributions of LightGBM.
# Needs lightgbm 4.7.0, xgboost 3.2.0, scikit-learn 1.9.1 and numpy 2.4.6.
import base64
import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import sklearn
import xgboost as xgb
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import r2_score, roc_auc_score

root = Path(__file__).resolve().parents[2]


def uniform(seed):
    # As src/native/example-call.ts, so that the rows need not be stored.
    state = seed

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ (state >> 15)) * (1 | state)) & 0xFFFFFFFF
        mixed = ((mixed + (((mixed ^ (mixed >> 7)) * (61 | mixed)) & 0xFFFFFFFF)) ^ mixed) & 0xFFFFFFFF
        return (mixed ^ (mixed >> 14)) / 2**32

    return draw


def friedman(rows, columns, seed):
    # Friedman 1991, the first function, with uniform noise.
    draw = uniform(seed)
    x = np.zeros((rows, columns), np.float32)
    y = np.zeros(rows, np.float32)
    for i in range(rows):
        x[i] = [draw() for _ in range(columns)]
        r = x[i].astype(float)
        y[i] = 10 * np.sin(np.pi * r[0] * r[1]) + 20 * (r[2] - 0.5) ** 2 + 10 * r[3] + 5 * r[4] + 2 * draw()
    return x, y


def packed(values):
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def score(y, p):
    if y.dtype == np.float32:
        return float(r2_score(y, p))
    if p.ndim == 1:
        return float(roc_auc_score(y, p))
    return float(roc_auc_score(y, p, multi_class='ovr'))


def scores(x, y, classes):
    half = len(x) // 2
    xt, yt, xv, yv = x[:half], y[:half], x[half:], y[half:]
    one = {'num_threads': 1, 'verbose': -1, 'learning_rate': 0.1, 'num_leaves': 15, 'min_data_in_leaf': 10}
    objective = {0: 'regression', 2: 'binary'}.get(classes, 'multiclass')
    if classes > 2:
        one['num_class'] = classes
    light = lgb.train({**one, 'objective': objective}, lgb.Dataset(xt, yt), 60).predict(xv)
    two = {'nthread': 1, 'eta': 0.1, 'max_depth': 4, 'min_child_weight': 1, 'lambda': 1, 'tree_method': 'hist', 'max_bin': 255}
    two['objective'] = {0: 'reg:squarederror', 2: 'binary:logistic'}.get(classes, 'multi:softprob')
    if classes > 2:
        two['num_class'] = classes
    extreme = xgb.train(two, xgb.DMatrix(xt, yt), 60).predict(xgb.DMatrix(xv))
    if classes == 0:
        forest = RandomForestRegressor(200, min_samples_leaf=5, max_features=1 / 3, random_state=1).fit(xt, yt).predict(xv)
    else:
        forest = RandomForestClassifier(200, min_samples_leaf=5, random_state=1).fit(xt, yt).predict_proba(xv)
        forest = forest[:, 1] if classes == 2 else forest
    return {'lightgbm': score(yv, light), 'xgboost': score(yv, extreme), 'forest': score(yv, forest)}


def contributions():
    x, y = friedman(400, 6, 5)
    x[::7, 1] = np.nan
    model = lgb.train({'num_leaves': 12, 'min_data_in_leaf': 5, 'verbose': -1, 'num_threads': 1}, lgb.Dataset(x, y), 8)
    nodes = []
    roots = []

    def add(node):
        at = len(nodes)
        nodes.append(None)
        if 'leaf_value' in node:
            nodes[at] = [-1, 0, -1, -1, 0, node['leaf_value'], node['leaf_count']]
            return at
        threshold = np.float32(node['threshold'])
        if float(threshold) > node['threshold']:
            threshold = np.nextafter(threshold, np.float32(-np.inf))
        missing = node['default_left'] if node['missing_type'] == 'NaN' else 0 <= node['threshold']
        left = add(node['left_child'])
        right = add(node['right_child'])
        nodes[at] = [node['split_feature'], float(threshold), left, right, int(missing), 0, node['internal_count']]
        return at

    for tree in model.dump_model()['tree_info']:
        roots.append(add(tree['tree_structure']))
    rows = x[:12]
    return {
        'columns': 6,
        'inputs': [None if np.isnan(v) else float(v) for v in rows.ravel()],
        'roots': roots,
        'nodes': nodes,
        'contributions': [float(v) for v in model.predict(rows, pred_contrib=True).ravel()],
    }


cancer = load_breast_cancer()
digits = load_digits()
order = np.random.default_rng(3).permutation(569)
cancer_x, cancer_y = cancer.data[order].astype(np.float32), cancer.target[order]
digits_x, digits_y = digits.data.astype(np.uint8), digits.target
fx, fy = friedman(2000, 10, 9)
json.dump(
    {
        'source': f'lightgbm {lgb.__version__}, xgboost {xgb.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}',
        'tolerance_why': 'scores: the same trees up to where bins are cut and, of forests, the draws; contributions: leaves rounded to f32',
        'friedman': {'rows': 2000, 'columns': 10, 'seed': 9, 'scores': scores(fx, fy, 0)},
        'cancer': {
            'rows': 569,
            'columns': 30,
            'classes': 2,
            'inputs': packed(cancer_x),
            'targets': packed(cancer_y.astype(np.uint8)),
            'scores': scores(cancer_x, cancer_y, 2),
        },
        'digits': {
            'rows': 1797,
            'columns': 64,
            'classes': 10,
            'inputs': packed(digits_x),
            'targets': packed(digits_y.astype(np.uint8)),
            'scores': scores(digits_x.astype(np.float32), digits_y, 10),
        },
        'shap': contributions(),
    },
    open(root / 'src/learning/trees/golden.json', 'w'),
)
