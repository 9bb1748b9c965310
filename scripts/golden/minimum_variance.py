"""Writes engines/portfolio/golden.json: minimum-variance weights by numpy, on real closes.

Run by hand, never at test time: python scripts/golden/minimum_variance.py <folder of the market data> >
engines/portfolio/golden.json in an environment with numpy and pandas; the versions are written into the file.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

FILE = "sp500-20-stocks-daily-close-1990-2022.csv.gz"


def weights(returns: np.ndarray) -> dict:
    covariance = np.cov(returns, rowvar=False, ddof=1)
    ones = np.ones(len(covariance))
    raw = np.linalg.solve(covariance, ones)
    w = raw / raw.sum()
    return {
        "observations": len(returns),
        "condition": np.linalg.cond(covariance),
        "weights": w.tolist(),
        "expected_volatility": float(np.sqrt(w @ covariance @ w)),
    }


closes = pd.read_csv(Path(sys.argv[1]) / FILE, index_col="Date")
prices = closes.to_numpy()
returns = prices[1:] / prices[:-1] - 1
sample = returns[-40:, :6]

json.dump(
    {
        "oracle": {name: version(name) for name in ("numpy", "pandas")},
        "tolerance": {
            "relative": 1e-10,
            "reason": "two solvers differ by about epsilon x the condition number of the covariance (below 1000 here), "
            "more for a weight near 0",
        },
        "stocks": {"file": FILE, "symbols": closes.columns.tolist(), **weights(returns)},
        "sample": {"symbols": closes.columns[:6].tolist(), "returns": sample.tolist(), **weights(sample)},
    },
    sys.stdout,
)
