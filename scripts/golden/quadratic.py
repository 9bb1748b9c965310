# Writes src/native/kernels/matrix/quadratic-golden.json: the residuals that OSQP tells of points on its way.
# Needs osqp 1.1.3, numpy 2.4.6 and scipy 1.17.1.
import json
from pathlib import Path

import numpy as np
import osqp
import scipy
from scipy import sparse

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20200214)
n, m = 6, 3
flat = lambda rows: [float(x) for row in rows for x in np.ravel(row)]
problems = []
for _ in range(3):
    g = rng.standard_normal((n, n))
    p = (g @ g.T + np.eye(n)).round(3)
    a, b, q = (rng.standard_normal(shape).round(3) for shape in ((m, n), m, n))
    solver = osqp.OSQP()
    # Equalities only: then z is b. It stops long before the end, so that residuals are no rounding.
    solver.setup(
        sparse.csc_matrix(np.triu(p)), q, sparse.csc_matrix(a), b, b,
        max_iter=25, check_termination=25, eps_abs=1e-12, eps_rel=1e-12, adaptive_rho=False, verbose=False,
    )
    r = solver.solve()
    problems.append((p, q, a, r.x, r.y, b, r.info.prim_res, r.info.dual_res))
names = ('p', 'q', 'a', 'x', 'y', 'z', 'primal_norm', 'dual_norm')
json.dump(
    {
        'source': f'osqp {osqp.__version__}, numpy {np.__version__}, scipy {scipy.__version__}',
        'tolerance_why': 'OSQP scales its problem and takes the scales out of what it tells: 1e-10 of a residual of 1e-3',
        'batch': len(problems),
        'variables': n,
        'constraints': m,
        **{name: flat(one[i] for one in problems) for i, name in enumerate(names)},
    },
    open(root / 'src/native/kernels/matrix/quadratic-golden.json', 'w'),
    indent=1,
)
