"""Writes src/trading/portfolio-risk-golden.json: historical risk of a portfolio of real closes, from outside libraries.

Run by hand, never at test time: python scripts/golden/portfolio_risk.py <folder of the market data> > src/trading/portfolio-risk-golden.json
in an environment with empyrical-reloaded, numpy and pandas; the versions are written into the file.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd

DATA = Path(sys.argv[1])
SYMBOLS = ["AAPL", "JPM", "MSFT", "XOM"]
WEIGHTS = np.array([0.25, 0.2, 0.3, 0.15])
HORIZON = 10
RATE = 0.02

stocks = pd.read_csv(DATA / "sp500-20-stocks-daily-close-1990-2022.csv.gz", parse_dates=["Date"], index_col="Date")
index = pd.read_csv(DATA / "sp500-index-daily-close-1990-2022.csv.gz", parse_dates=["Date"], index_col="Date")
closes = stocks[SYMBOLS].join(index["SP500"], how="inner")["2020-01-28":].iloc[:61]
moves = (closes / closes.shift(1) - 1).dropna()
portfolio = moves[SYMBOLS].to_numpy() @ WEIGHTS
benchmark = moves["SP500"].to_numpy()
free = (1 + RATE) ** (1 / 252) - 1

json.dump(
    {
        "oracle": {name: version(name) for name in ("empyrical-reloaded", "numpy", "pandas")},
        "tolerance": {
            "relative": 1e-11,
            "reason": "sums run in another order, and a return near 1e-4 keeps 12 digits of a quotient near 1",
        },
        "symbols": SYMBOLS,
        "weights": WEIGHTS.tolist(),
        "times_us": [int(t) for t in closes.index.astype("datetime64[us]").astype("int64")],
        "closes": closes[SYMBOLS].to_numpy().tolist(),
        "benchmark": closes["SP500"].tolist(),
        "horizon_bars": HORIZON,
        "risk_free_rate": RATE,
        "expected": {
            # 60 returns: the worst 5 % are 3 whole ones, where the definitions of expected shortfall agree.
            "var_95": float(np.quantile(-portfolio, 0.95, method="inverted_cdf")) * HORIZON**0.5,
            "cvar_95": -float(empyrical.conditional_value_at_risk(portfolio, cutoff=0.05)) * HORIZON**0.5,
            "max_drawdown": -float(empyrical.max_drawdown(portfolio)),
            "sharpe_ratio": float(empyrical.sharpe_ratio(portfolio, risk_free=free, annualization=252)),
            "volatility": float(np.std(portfolio, ddof=1)) * HORIZON**0.5,
            "beta": float(empyrical.beta(portfolio, benchmark)),
        },
    },
    sys.stdout,
)
sys.stdout.write("\n")
