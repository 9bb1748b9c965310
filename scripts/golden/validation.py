# Writes src/learning/validation/golden.json: scores of scikit-learn and combinatorial purged splits of skfolio.
# Needs scikit-learn, SciPy and skfolio; their versions go into the file.
import json
from pathlib import Path

import numpy as np
import scipy
import skfolio
import sklearn
from scipy.stats import pearsonr, spearmanr
from skfolio.model_selection import CombinatorialPurgedCV
from sklearn import metrics as m
from sklearn.calibration import _sigmoid_calibration, _TemperatureScaling, calibration_curve
from sklearn.isotonic import IsotonicRegression

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20180221)


def calibration_error(hit, confidence):
    share, said = calibration_curve(hit, confidence, n_bins=10, strategy='uniform')
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], confidence)
    counts = np.bincount(bins, minlength=10)
    return float(np.sum(np.abs(share - said) * counts[counts > 0]) / len(hit))


def classes(count, rows):
    labels = rng.integers(0, count, rows)
    z = rng.standard_normal((rows, count)) + 0.8 * np.eye(count)[labels]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p = p.round(3)
    p[:, 0] = 1 - p[:, 1:].sum(axis=1)
    weights = rng.integers(0, 4, rows)
    cases = []
    for w in (np.ones(rows, dtype=int), weights):
        y, q = np.repeat(labels, w), np.repeat(p, w, axis=0)
        said = (q[:, 1] >= 0.5).astype(int) if count == 2 else q.argmax(axis=1)
        average = 'binary' if count == 2 else 'macro'
        hot = np.eye(count)[y]
        scores = {
            'accuracy': m.accuracy_score(y, said),
            'balanced_accuracy': m.balanced_accuracy_score(y, said),
            'precision': m.precision_score(y, said, average=average, zero_division=0),
            'recall': m.recall_score(y, said, average=average, zero_division=0),
            'f1': m.f1_score(y, said, average=average, zero_division=0),
            'log_loss': m.log_loss(y, q, labels=range(count)),
            'brier': m.brier_score_loss(y, q[:, 1]) if count == 2 else float(np.mean(np.sum((q - hot) ** 2, axis=1))),
            'auc': m.roc_auc_score(y, q[:, 1]) if count == 2 else m.roc_auc_score(hot, q, average='macro'),
            'pr_auc': m.average_precision_score(y, q[:, 1]) if count == 2 else m.average_precision_score(hot, q, average='macro'),
            'calibration_error': calibration_error(y, q[:, 1]) if count == 2 else calibration_error(said == y, q.max(axis=1)),
        }
        cases.append({'weights': [int(x) for x in w], 'scores': {k: float(v) for k, v in scores.items()},
                      'confusion': m.confusion_matrix(y, said, labels=range(count)).ravel().tolist()})
    return {'classes': count, 'labels': labels.tolist(), 'probabilities': p.ravel().tolist(), 'cases': cases}


def numbers(rows):
    y = rng.standard_normal(rows).round(3)
    f = (0.6 * y + 0.5 * rng.standard_normal(rows)).round(3)
    weights = rng.integers(0, 4, rows)
    cases = []
    for w in (np.ones(rows, dtype=int), weights):
        a, b = np.repeat(y, w), np.repeat(f, w)
        scores = {
            'rmse': m.root_mean_squared_error(a, b),
            'mae': m.mean_absolute_error(a, b),
            'median_ae': m.median_absolute_error(a, b),
            'r2': m.r2_score(a, b),
            'quantile_loss': m.mean_pinball_loss(a, b, alpha=0.9),
        }
        correlations = {'ic': pearsonr(b, a)[0], 'rank_ic': spearmanr(b, a)[0]}
        cases.append({'weights': [int(x) for x in w], 'scores': {k: float(v) for k, v in scores.items()},
                      'correlations': {k: float(v) for k, v in correlations.items()}})
    return {'targets': y.tolist(), 'forecasts': f.tolist(), 'quantile': 0.9, 'cases': cases}


def calibrations(rows):
    x = rng.uniform(0.02, 0.98, rows).round(2)
    y = (rng.uniform(0, 1, rows) < x**1.7).astype(int)
    line = IsotonicRegression(out_of_bounds='clip').fit(x, y)
    at = np.linspace(-0.1, 1.1, 61).round(4)
    odds = np.log(x / (1 - x))
    a, b = _sigmoid_calibration(odds, y)
    labels = rng.integers(0, 3, rows)
    z = 2.5 * (rng.standard_normal((rows, 3)) + np.eye(3)[labels])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    p = p.round(6)
    temperature = 1 / _TemperatureScaling().fit(np.log(p), labels).beta_
    return {
        'x': x.tolist(), 'y': y.tolist(),
        'isotonic': {'knots_x': line.X_thresholds_.tolist(), 'knots_y': line.y_thresholds_.tolist(),
                     'at': at.tolist(), 'values': line.predict(at).tolist()},
        'sigmoid': {'slope': -float(a), 'intercept': -float(b),
                    'tolerance': 1e-4, 'tolerance_why': 'scikit-learn stops L-BFGS at a gradient of 1e-6 of scaled scores'},
        'temperature': {'probabilities': p.ravel().tolist(), 'labels': labels.tolist(), 'temperature': float(temperature),
                        'tolerance': 1e-4, 'tolerance_why': 'scikit-learn minimises by a bounded scalar search'},
    }


def combinatorial(rows, groups, test_groups, purged, embargo):
    cv = CombinatorialPurgedCV(n_folds=groups, n_test_folds=test_groups, purged_size=purged, embargo_size=embargo)
    splits = [{'train': train.tolist(), 'test': np.concatenate(tests).tolist()}
              for train, tests in cv.split(np.zeros((rows, 1)))]
    return {'rows': rows, 'groups': groups, 'test_groups': test_groups, 'purged': purged, 'embargo': embargo, 'splits': splits}


json.dump(
    {
        'source': f'scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, skfolio {skfolio.__version__}',
        'tolerance': 1e-12,
        'tolerance_why': 'the same float64 inputs, sums of some hundred terms in another order; splits are equal',
        'classification': [classes(2, 120), classes(4, 150)],
        'regression': numbers(131),
        'calibration': calibrations(200),
        'combinatorial': [combinatorial(*case) for case in ((24, 6, 2, 0, 0), (24, 4, 2, 2, 0), (40, 5, 2, 1, 3), (30, 3, 2, 2, 2))],
    },
    open(root / 'src/learning/validation/golden.json', 'w'),
)
