# Writes src/native/kernels/portfolio/golden.json: what numpy answers. Needs numpy 2.4.6.
import json
from pathlib import Path

import numpy as np

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(19941031)
SCENARIOS, POSITIONS, FACTORS = 8, 7, 4
flat = lambda a: [float(x) for x in np.asarray(a, dtype=float).ravel()]
moves = (0.02 * rng.standard_normal((SCENARIOS, FACTORS))).round(5)
delta = (1e5 * rng.standard_normal(POSITIONS)).round(2)
gamma = (1e6 * rng.standard_normal(POSITIONS)).round(2)
factor_of = rng.integers(0, FACTORS, POSITIONS)
earned = delta * moves[:, factor_of] + gamma * moves[:, factor_of] ** 2 / 2
scenario = {
    'scenarios': SCENARIOS,
    'positions': POSITIONS,
    'factors': FACTORS,
    'moves': flat(moves),
    'delta': flat(delta),
    'gamma': flat(gamma),
    'factorOf': [int(x) for x in factor_of],
    'byPosition': flat(earned),
    'pnl': flat(earned.sum(axis=1)),
}
POSITIONS, LIMITS = 10, 7
pnl = (3e4 * rng.standard_normal((SCENARIOS, POSITIONS))).round(2)
exposures = (1e5 * rng.standard_normal(POSITIONS)).round(2)
weights = (rng.random((LIMITS, POSITIONS)) < 0.6) * rng.uniform(0.5, 1.5, (LIMITS, POSITIONS)).round(2)
kinds = np.arange(LIMITS) % 3
bounds = np.array([5e5, 1e5, 4e4])[kinds] * rng.uniform(0.5, 1.5, LIMITS).round(2)
values = exposures + pnl
amounts = np.select(
    [kinds == 0, kinds == 1],
    [np.abs(values) @ weights.T, np.abs(values @ weights.T)],
    np.maximum(0, -(pnl @ weights.T)),
)
usage = amounts / bounds
limit = {
    'scenarios': SCENARIOS,
    'positions': POSITIONS,
    'limits': LIMITS,
    'pnl': flat(pnl),
    'exposures': flat(exposures),
    'weights': flat(weights),
    'kinds': [int(x) for x in kinds],
    'bounds': flat(bounds),
    'usage': flat(usage),
    'worst_scenario': [int(x) for x in usage.argmax(axis=0)],
    'breaches': [int(x) for x in (usage > 1).sum(axis=0)],
}

PERIODS, GROUPS = 5, 6
w, b = (rng.dirichlet(np.ones(GROUPS), PERIODS).round(3) for _ in range(2))
r, rb = ((0.05 * rng.standard_normal((PERIODS, GROUPS))).round(4) for _ in range(2))
base = (b * rb).sum(axis=1, keepdims=True)
brinson = {
    'periods': PERIODS,
    'groups': GROUPS,
    'portfolioWeights': flat(w),
    'benchmarkWeights': flat(b),
    'portfolioReturns': flat(r),
    'benchmarkReturns': flat(rb),
    'allocation': flat((w - b) * (rb - base)),
    'selection': flat(b * (r - rb)),
    'interaction': flat((w - b) * (r - rb)),
    'active': flat((w * r).sum(axis=1) - base[:, 0]),
}
x = rng.standard_normal((PERIODS, FACTORS)).round(3)
f = (0.02 * rng.standard_normal((PERIODS, FACTORS))).round(5)
returns = ((x * f).sum(axis=1) + 0.005 * rng.standard_normal(PERIODS)).round(6)
factors = {
    'periods': PERIODS,
    'factors': FACTORS,
    'exposures': flat(x),
    'factorReturns': flat(f),
    'returns': flat(returns),
    'contributions': flat(x * f),
    'specific': flat(returns - (x * f).sum(axis=1)),
}
json.dump(
    {
        'source': f'numpy {np.__version__}',
        'tolerance_why': 'a few units of 2^-53 of sums of 1e4 (profits), 1 (usage) and 0.05 (returns)',
        'scenario_pnl': scenario,
        'limit_usage': limit,
        'brinson_attribution': brinson,
        'factor_attribution': factors,
    },
    open(root / 'src/native/kernels/portfolio/golden.json', 'w'),
    indent=1,
)
