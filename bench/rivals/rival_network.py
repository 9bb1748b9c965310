# SMALL_NETWORK of bench/serving/models.ts in scikit-learn.
import warnings

import numpy as np


def small_network():
    """A function of rows [n, 7] that returns a number for each."""
    from sklearn.neural_network import MLPRegressor

    network = MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(np.zeros((4, 7), "float32"), np.arange(4))
    sines = lambda *dims: (0.2 * np.sin(np.arange(np.prod(dims)) * 1.3 + 0.5)).astype("float32").reshape(dims)
    widths = (7, 64, 64, 1)
    network.coefs_ = [sines(a, b) for a, b in zip(widths, widths[1:])]
    network.intercepts_ = [sines(b) for b in widths[1:]]
    return lambda rows: network.predict(np.asarray(rows, "float32"))
