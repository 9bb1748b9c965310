# Writes src/native/kernels/portfolio/golden.json: what numpy answers for books under scenarios. Needs numpy 2.4.6.
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
json.dump(
    {
        'source': f'numpy {np.__version__}',
        'tolerance_why': 'a few units of 2^-53 of sums of 1e4',
        'scenario_pnl': scenario,
    },
    open(root / 'src/native/kernels/portfolio/golden.json', 'w'),
    indent=1,
)
