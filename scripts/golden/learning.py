# Writes src/native/kernels/learning/golden.json: the histograms of scikit-learn's gradient-boosted trees.
# Needs scikit-learn 1.9.1 and numpy 2.4.6.
import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble._hist_gradient_boosting.histogram import HistogramBuilder

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(20170412)
ROWS, FEATURES, NODES, BINS = 200, 3, 2, 12
bins = rng.integers(0, BINS, (ROWS, FEATURES)).astype(np.uint8)
node = rng.integers(-1, NODES, ROWS)
gradients = rng.standard_normal(ROWS).round(4).astype(np.float32)
hessians = rng.uniform(0.01, 0.25, ROWS).round(4).astype(np.float32)
builder = HistogramBuilder(np.asfortranarray(bins), BINS, gradients, hessians, False, 1)
tables = [builder.compute_histograms_brute(np.flatnonzero(node == i).astype(np.uint32)) for i in range(NODES)]
tables = np.stack([np.asarray(table) for table in tables])
pairs = np.stack([tables['sum_gradients'], tables['sum_hessians']], axis=-1)
json.dump(
    {
        'source': f'scikit-learn {sklearn.__version__} HistogramBuilder, numpy {np.__version__}',
        'tolerance_why': 'the same f32 gradients, sums in f64: one rounding to f32 of sums below 20',
        'rows': ROWS,
        'features': FEATURES,
        'nodes': NODES,
        'binCount': BINS,
        'bins': [int(x) for x in bins.ravel()],
        'node': [int(x) for x in node],
        'gradients': [float(x) for x in gradients],
        'hessians': [float(x) for x in hessians],
        'sums': [float(x) for x in pairs.ravel()],
        'counts': [int(x) for x in tables['count'].ravel()],
    },
    open(root / 'src/native/kernels/learning/golden.json', 'w'),
)
