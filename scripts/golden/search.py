# Writes src/learning/search/golden.json: Sobol points of SciPy, densities and best losses of Optuna's TPE, evaluations of cmaes, and what Optuna's pruners end.
# Needs optuna 5.0.0, cmaes 0.13.1, scipy 1.17.1 and numpy 2.4.6.
import json
import math
import warnings
from pathlib import Path

import cmaes
import numpy as np
import optuna
import scipy
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

root = Path(__file__).resolve().parents[2]
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter('ignore')
SEEDS = 20


# The functions of src/learning/search/samplers/test-functions.ts.
def sphere(x):
    return sum((v - 1 - 0.5 * i) ** 2 for i, v in enumerate(x))


def rosenbrock(x):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))


def branin(x, y):
    valley = y - (5.1 / (4 * math.pi**2)) * x * x + (5 / math.pi) * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def network(trial):
    rate = trial.suggest_float('rate', 1e-5, 1, log=True)
    layers = trial.suggest_int('layers', 1, 8)
    width = trial.suggest_int('width', 8, 512, log=True)
    dropout = trial.suggest_float('dropout', 0, 0.5, step=0.1)
    activation = trial.suggest_categorical('activation', ['relu', 'tanh', 'gelu', 'silu'])
    return (
        (math.log10(rate) + 2.5) ** 2
        + 0.3 * (layers - 3) ** 2
        + 0.5 * (math.log2(width) - 6.5) ** 2
        + 10 * (dropout - 0.2) ** 2
        + {'gelu': 0, 'silu': 0.2}.get(activation, 1)
    )


def families(trial):
    family = trial.suggest_categorical('family', ['linear', 'boosting', 'network'])
    if family == 'linear':
        return 1 + 0.1 * math.log10(trial.suggest_float('l2', 1e-6, 100, log=True) / 0.1) ** 2
    off = math.log10(trial.suggest_float('rate', 1e-3, 1, log=True) / 0.05) ** 2
    if family == 'boosting':
        return 0.2 + off + 0.05 * (math.log2(trial.suggest_int('leaves', 2, 256, log=True)) - 5) ** 2
    return 0.4 + 2 * off + 0.1 * (trial.suggest_int('depth', 1, 10) - 4) ** 2


FUNCTIONS = {
    'sphere of 5': (100, lambda t: sphere([t.suggest_float(f'x{i}', -5, 5) for i in range(5)])),
    'Branin': (80, lambda t: branin(t.suggest_float('x', -5, 10), t.suggest_float('y', 0, 15))),
    'Rosenbrock of 3': (100, lambda t: rosenbrock([t.suggest_float(f'x{i}', -2, 2) for i in range(3)])),
    'settings of a network': (100, network),
    'families with settings of their own': (100, families),
}


def tpe_bests(trials, objective):
    bests = []
    for seed in range(SEEDS):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(objective, n_trials=trials)
        bests.append(study.best_value)
    return [float(q) for q in np.percentile(bests, [25, 50, 75, 90])]


def densities():
    # Seen points and places at which the density is asked, as [rate, weight, layers, width, dropout, activation].
    space = {
        'rate': FloatDistribution(1e-5, 1, log=True),
        'weight': FloatDistribution(-3, 5),
        'layers': IntDistribution(1, 200),
        'width': IntDistribution(8, 512, log=True),
        'dropout': FloatDistribution(0, 1, step=0.005),
        'activation': CategoricalDistribution(['relu', 'tanh', 'gelu']),
    }
    rng = np.random.default_rng(7)

    def points(count):
        # No number comes twice: which of two equal ones has which neighbours is left to the sort, and so are their widths.
        layers, widths, dropouts = (rng.permutation(n)[:count] for n in (200, 505, 201))
        return [
            [
                float(f'{10 ** rng.uniform(-5, 0):.6g}'),
                float(f'{rng.uniform(-3, 5):.6g}'),
                int(layers[i]) + 1,
                int(widths[i]) + 8,
                round(0.005 * int(dropouts[i]), 3),
                int(rng.integers(0, 3)),
            ]
            for i in range(count)
        ]

    asked = points(12)
    parameters = _ParzenEstimatorParameters(
        prior_weight=1.0, consider_magic_clip=True, consider_endpoints=False, weights=default_weights, multivariate=True
    )
    cases = []
    for count in [0, 1, 2, 9, 40]:
        seen = points(count)
        estimator = _ParzenEstimator({name: np.array([p[i] for p in seen]) for i, name in enumerate(space)}, space, parameters)
        logs = estimator.log_pdf({name: np.array([p[i] for p in asked]) for i, name in enumerate(space)})
        cases.append({'seen': seen, 'logs': [float(v) for v in logs]})
    return {'asked': asked, 'cases': cases}


def evaluations(function):
    counts = []
    for seed in range(SEEDS):
        strategy = cmaes.CMA(mean=np.zeros(5), sigma=3, bounds=np.array([[-5.0, 5.0]] * 5), seed=seed)
        count, best = 0, math.inf
        while best >= 1e-8 and count < 5000:
            solutions = []
            for _ in range(strategy.population_size):
                x = strategy.ask()
                count += 1
                solutions.append((x, function(x)))
                best = min(best, solutions[-1][1])
            strategy.tell(solutions)
        counts.append(count)
    return [float(q) for q in np.percentile(counts, [25, 50, 75, 90])]


def generations():
    """Places of three generations, the best first, and the state after each."""
    rng = np.random.default_rng(5)
    mean, sigma = [0.5, 0.4, 0.6, 0.3], 0.2
    strategy = cmaes.CMA(mean=np.array(mean), sigma=sigma, population_size=9, seed=1)
    states = []
    for _ in range(3):
        places = np.round(strategy.mean + 0.15 * rng.standard_normal((9, 4)) * [1, 0.5, 2, 0.7], 4)
        # Asking decomposes the covariance, which telling goes by.
        strategy.ask()
        strategy.tell([(x.copy(), float(rank)) for rank, x in enumerate(places)])
        state = {'mean': strategy._mean.tolist(), 'sigma': float(strategy._sigma), 'covariance': strategy._C.ravel().tolist()}
        states.append({'places': places.tolist(), **state})
    return {'mean': mean, 'sigma': sigma, 'states': states}


STEPS, TRIALS = 27, 60


def curves():
    rng = np.random.default_rng(11)
    all_curves = []
    for _ in range(TRIALS):
        floor, start, speed = rng.uniform(0, 1), rng.uniform(1, 3), rng.uniform(0.05, 0.6)
        steps = np.arange(1, STEPS + 1)
        noisy = floor + start * np.exp(-speed * steps) + rng.normal(0, 0.05, STEPS)
        all_curves.append([round(float(v), 4) for v in noisy])
    return all_curves


def ends(pruner, all_curves):
    """The step at which each trial is ended, 0 where it is not."""
    study = optuna.create_study(pruner=pruner)
    found = []
    for curve in all_curves:
        trial = study.ask()
        end = 0
        for step, value in enumerate(curve, 1):
            trial.report(value, step)
            if trial.should_prune():
                end = step
                break
        if end:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, curve[-1])
        found.append(end)
    return found


class SharedOut(optuna.pruners.HyperbandPruner):
    """Hyperband with the brackets of src/learning/search/pruners/halving.ts: Optuna's are by a hash of the name of the study."""

    def _get_bracket_id(self, study, trial):
        left = ((trial.number * ((math.sqrt(5) - 1) / 2)) % 1) * self._total_trial_allocation_budget
        for bracket, share in enumerate(self._trial_allocation_budgets[:-1]):
            if left < share:
                return bracket
            left -= share
        return len(self._trial_allocation_budgets) - 1


def pruned():
    p = optuna.pruners
    all_curves = curves()
    cases = [
        ({'kind': 'median'}, p.MedianPruner()),
        (
            {'kind': 'median', 'startup_trials': 3, 'warmup_steps': 4, 'interval_steps': 3, 'least_trials': 4},
            p.MedianPruner(n_startup_trials=3, n_warmup_steps=4, interval_steps=3, n_min_trials=4),
        ),
        ({'kind': 'successive_halving'}, p.SuccessiveHalvingPruner(min_resource=1)),
        (
            {'kind': 'successive_halving', 'least_steps': 2, 'reduction': 3, 'skipped_rungs': 1},
            p.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3, min_early_stopping_rate=1),
        ),
        ({'kind': 'hyperband', 'most_steps': STEPS}, SharedOut(max_resource=STEPS)),
        (
            {'kind': 'hyperband', 'least_steps': 3, 'most_steps': STEPS, 'reduction': 2},
            SharedOut(min_resource=3, max_resource=STEPS, reduction_factor=2),
        ),
    ]
    return {'curves': all_curves, 'cases': [{'options': o, 'ends': ends(pruner, all_curves)} for o, pruner in cases]}


sobol = scipy.stats.qmc.Sobol(8, scramble=False).random(64) * 64
x = [-40, -12.5, -7.5, -3, -1, -0.1, 0, 0.5, 2, 6, 9]
result = {
    'versions': {'optuna': optuna.__version__, 'cmaes': cmaes.__version__, 'scipy': scipy.__version__},
    'seeds': SEEDS,
    'sobol': [[int(v) for v in row] for row in sobol],
    'normal': {'x': x, 'below': [float(v) for v in scipy.stats.norm.cdf(x)]},
    'density': densities(),
    'tpe': {name: tpe_bests(*case) for name, case in FUNCTIONS.items()},
    'cma_es': {'sphere': evaluations(sphere), 'Rosenbrock': evaluations(rosenbrock)},
    'generations': generations(),
    'pruners': pruned(),
}
(root / 'src/learning/search/golden.json').write_text(json.dumps(result) + '\n')
