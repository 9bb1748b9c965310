# Writes src/learning/import/golden.json: small models of XGBoost, LightGBM and CatBoost as their libraries save them, and what the
# libraries predict at, beside and between the split values. Needs xgboost, lightgbm, catboost; their versions go into the file.
import base64
import gzip
import json
import tempfile
from pathlib import Path

import catboost as cb
import lightgbm as lgb
import numpy as np
import xgboost as xgb

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20260301)
folder = Path(tempfile.mkdtemp())
COLUMNS = 4
X = rng.standard_normal((400, COLUMNS)).astype(np.float32)
X[:, 3] = X[:, 3].round(1)
whole = X.copy()
X[rng.random(X.shape) < 0.1] = np.nan
score = np.nansum(X * np.array([1, -0.5, 0.25, 0.8], dtype=np.float32), axis=1)
number = (score + 0.3 * rng.standard_normal(400)).astype(np.float64)
binary = (number > 0).astype(int)
three = np.digitize(number, [-0.6, 0.6])
counts = rng.poisson(np.exp(np.clip(score / 3, -2, 2)))
groups = np.full(20, 20)
relevance = np.clip(three, 0, 2)


def probes(thresholds):
    """Rows in which one column is at, just below and just above each of its thresholds, others random or missing."""
    rows = []
    for column, values in thresholds.items():
        for value in sorted(set(values))[:6]:
            at = np.float32(value)
            for x in (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf))):
                row = rng.standard_normal(COLUMNS).astype(np.float32)
                row[rng.random(COLUMNS) < 0.2] = np.nan
                row[column] = x
                rows.append(row)
    rows.append(np.full(COLUMNS, np.nan, dtype=np.float32))
    rows.append(np.zeros(COLUMNS, dtype=np.float32))
    # LightGBM takes what is this close to 0 as 0.
    for x in (1e-36, -1e-36, 1e-34, -1e-34, 1e-35, -1e-35):
        rows.append(np.full(COLUMNS, x, dtype=np.float32))
    return np.array(rows, dtype=np.float32)


def packed(file):
    return base64.b64encode(gzip.compress(Path(file).read_bytes(), mtime=0)).decode()


def case(name, file, rows, expected, **more):
    expected = np.asarray(expected, dtype=np.float64).reshape(len(rows), -1)
    return {
        'name': name,
        'file': packed(file),
        'rows': [None if np.isnan(x) else float(str(x)) for x in rows.ravel()],
        'expected': [float(f'{x:.9g}') for x in expected.ravel()],
        'width': expected.shape[1],
        **more,
    }


def both(p):
    return np.stack([1 - p, p], axis=1)


def xgboost_cases():
    cases = []
    for name, parameters, target, shape in (
        ('regression', {'objective': 'reg:squarederror'}, number, None),
        ('binary', {'objective': 'binary:logistic', 'base_score': 0.3}, binary, both),
        ('raw', {'objective': 'binary:logitraw'}, binary, None),
        ('three classes', {'objective': 'multi:softprob', 'num_class': 3}, three, None),
        ('counts', {'objective': 'count:poisson'}, counts, None),
        ('dart', {'objective': 'binary:logistic', 'booster': 'dart', 'rate_drop': 0.5, 'seed': 3}, binary, both),
        ('forest', {'objective': 'reg:squarederror', 'num_parallel_tree': 3, 'subsample': 0.7}, number, None),
        ('ranking', {'objective': 'rank:ndcg'}, relevance, None),
    ):
        data = xgb.DMatrix(X, label=target)
        if name == 'ranking':
            data.set_group(groups)
        booster = xgb.train({'max_depth': 3, 'nthread': 1, **parameters}, data, 4)
        frame = booster.trees_to_dataframe()
        splits = frame[frame.Feature != 'Leaf']
        thresholds = {int(f[1:]): list(g.Split) for f, g in splits.groupby('Feature')}
        rows = probes(thresholds)
        predicted = booster.predict(xgb.DMatrix(rows))
        for suffix in ('json', 'ubj'):
            file = folder / f'x.{suffix}'
            booster.save_model(file)
            cases.append(case(f'XGBoost {name} {suffix}', file, rows, shape(predicted) if shape else predicted,
                              format=f'xgboost_{suffix}'))
    stopped = xgb.train({'objective': 'reg:squarederror', 'eta': 1, 'max_depth': 4, 'nthread': 1}, xgb.DMatrix(X[:200], label=number[:200]), 12,
                        evals=[(xgb.DMatrix(X[200:], label=number[200:]), 'watch')], early_stopping_rounds=4, verbose_eval=False)
    rows = probes({0: [0.0], 1: [0.5]})
    stopped.save_model(folder / 'x.json')
    best = stopped.best_iteration
    for rounds, predicted in (('all', stopped.predict(xgb.DMatrix(rows))),
                              ('best', stopped.predict(xgb.DMatrix(rows), iteration_range=(0, best + 1)))):
        cases.append(case(f'XGBoost early stopping, {rounds} rounds', folder / 'x.json', rows, predicted,
                          format='xgboost_json', rounds=rounds))
    return cases


def lightgbm_cases():
    cases = []
    for name, parameters, target, shape, inputs in (
        ('regression', {'objective': 'regression'}, number, None, X),
        ('without missing values', {'objective': 'regression'}, number, None, whole),
        ('binary', {'objective': 'binary', 'sigmoid': 1.5}, binary, both, X),
        ('three classes', {'objective': 'multiclass', 'num_class': 3}, three, None, X),
        ('one against all', {'objective': 'multiclassova', 'num_class': 3}, three, None, X),
        ('counts', {'objective': 'poisson'}, counts, None, X),
        ('shares', {'objective': 'cross_entropy'}, 1 / (1 + np.exp(-score.astype(float))), None, X),
        ('dart', {'objective': 'binary', 'boosting': 'dart', 'drop_rate': 0.5, 'skip_drop': 0}, binary, both, X),
        ('forest', {'objective': 'regression', 'boosting': 'rf', 'bagging_fraction': 0.6, 'bagging_freq': 1}, number, None, X),
        ('ranking', {'objective': 'lambdarank'}, relevance, None, X),
        ('constant', {'objective': 'regression', 'min_data_in_leaf': 1000}, number, None, X),
    ):
        data = lgb.Dataset(inputs, target, group=groups if name == 'ranking' else None)
        booster = lgb.train({'num_leaves': 7, 'min_data_in_leaf': 10, 'verbose': -1, 'num_threads': 1, 'seed': 5, **parameters}, data, 4)
        thresholds = {}
        frame = booster.trees_to_dataframe()
        if frame.split_feature.notna().any():
            for f, g in frame[frame.split_feature.notna()].groupby('split_feature'):
                thresholds[int(f.split('_')[1])] = list(g.threshold)
        rows = probes(thresholds)
        file = folder / 'l.txt'
        booster.save_model(file)
        predicted = booster.predict(rows)
        cases.append(case(f'LightGBM {name}', file, rows, shape(predicted) if shape else predicted, format='lightgbm_text'))
    return cases


def catboost_cases():
    cases = []
    common = {'iterations': 4, 'depth': 3, 'verbose': False, 'allow_writing_files': False, 'thread_count': 1, 'random_seed': 1}
    for name, parameters, target in (
        ('regression', {'loss_function': 'RMSE'}, number),
        ('binary', {'loss_function': 'Logloss', 'nan_mode': 'Max'}, binary),
        ('three classes', {'loss_function': 'MultiClass'}, three),
        ('one against all', {'loss_function': 'MultiClassOneVsAll'}, three),
        ('counts', {'loss_function': 'Poisson'}, counts),
        ('loss-guided', {'loss_function': 'RMSE', 'grow_policy': 'Lossguide', 'max_leaves': 6}, number),
        ('depth-wise classes', {'loss_function': 'MultiClass', 'grow_policy': 'Depthwise'}, three),
    ):
        model = cb.CatBoost({**common, **parameters}).fit(cb.Pool(X, target))
        file = folder / 'c.json'
        model.save_model(str(file), format='json')
        saved = json.loads(file.read_text())
        thresholds = {i: f['borders'] for i, f in enumerate(saved['features_info']['float_features']) if f.get('borders')}
        rows = probes(thresholds)
        kind = 'Probability' if name in ('binary', 'three classes', 'one against all', 'depth-wise classes') else \
            'Exponent' if name == 'counts' else 'RawFormulaVal'
        cases.append(case(f'CatBoost {name}', file, rows, model.predict(rows, prediction_type=kind), format='catboost_json'))
    return cases


def refused():
    files = []

    def add(name, part, file):
        files.append({'name': name, 'part': part, 'file': packed(file)})

    codes = rng.integers(0, 6, 400)
    mixed = np.column_stack([whole[:, 0], codes]).astype(np.float64)
    b = lgb.train({'objective': 'regression', 'verbose': -1, 'num_leaves': 4, 'min_data_per_group': 1, 'cat_smooth': 0},
                  lgb.Dataset(mixed, number + 9 * (codes % 2), categorical_feature=[1]), 1)
    b.save_model(folder / 'r.txt')
    add('LightGBM categories', 'num_cat', folder / 'r.txt')
    b = lgb.train({'objective': 'regression', 'verbose': -1, 'num_leaves': 4, 'linear_tree': True}, lgb.Dataset(whole, number), 1)
    b.save_model(folder / 'r.txt')
    add('LightGBM linear leaves', 'is_linear', folder / 'r.txt')
    b = lgb.train({'objective': 'regression', 'verbose': -1, 'num_leaves': 4, 'zero_as_missing': True}, lgb.Dataset(whole, number), 1)
    b.save_model(folder / 'r.txt')
    add('LightGBM zero as missing', 'zero_as_missing', folder / 'r.txt')
    b = lgb.train({'objective': 'regression', 'verbose': -1, 'num_leaves': 4, 'reg_sqrt': True}, lgb.Dataset(whole, number), 1)
    b.save_model(folder / 'r.txt')
    add('LightGBM roots', 'sqrt', folder / 'r.txt')
    b = lgb.train({'objective': 'cross_entropy_lambda', 'verbose': -1, 'num_leaves': 4}, lgb.Dataset(whole, binary), 1)
    b.save_model(folder / 'r.txt')
    add('LightGBM objective', 'objective', folder / 'r.txt')
    b = xgb.train({'booster': 'gblinear'}, xgb.DMatrix(whole, label=number), 1)
    b.save_model(folder / 'r.json')
    add('XGBoost linear', 'booster', folder / 'r.json')
    b = xgb.train({'objective': 'binary:hinge'}, xgb.DMatrix(whole, label=binary), 1)
    b.save_model(folder / 'r.json')
    add('XGBoost objective', 'objective', folder / 'r.json')
    b = xgb.train({'max_depth': 2, 'max_cat_to_onehot': 1}, xgb.DMatrix(mixed, label=number + 9 * (codes % 2), feature_types=['q', 'c'], enable_categorical=True), 1)
    b.save_model(folder / 'r.json')
    add('XGBoost categories', 'feature_types', folder / 'r.json')
    b = xgb.train({'max_depth': 2, 'multi_strategy': 'multi_output_tree', 'tree_method': 'hist'}, xgb.DMatrix(whole, label=np.column_stack([number, -number])), 1)
    b.save_model(folder / 'r.json')
    add('XGBoost targets', 'num_target', folder / 'r.json')
    m = cb.CatBoost({'iterations': 1, 'depth': 2, 'loss_function': 'RMSE', 'verbose': False, 'allow_writing_files': False, 'one_hot_max_size': 10})
    m.fit(cb.Pool([[float(a), str(c)] for a, c in zip(whole[:, 0], codes)], number + codes % 2, cat_features=[1]))
    m.save_model(str(folder / 'r.json'), format='json')
    add('CatBoost categories', 'categorical_features', folder / 'r.json')
    return files


json.dump(
    {
        'source': f'xgboost {xgb.__version__}, lightgbm {lgb.__version__}, catboost {cb.__version__}, numpy {np.__version__}',
        'tolerance': 2e-6,
        'tolerance_why': 'leaves of some units rounded to float32 and added in it (6e-8 each), then an exponential; a row in another leaf is off by 1e-3 and more',
        'columns': COLUMNS,
        'cases': [*xgboost_cases(), *lightgbm_cases(), *catboost_cases()],
        'refused': refused(),
    },
    open(root / 'src/learning/import/golden.json', 'w'),
)
