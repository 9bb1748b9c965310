"""Writes src/trading/golden.json: performance measures and normal VaR from outside libraries, on real closes.

Run by hand, never at test time: python scripts/golden/trading.py <folder of the market data> > src/trading/golden.json
in an environment with empyrical-reloaded, numpy, pandas and scipy; the versions are written into the file.
"""
import json
import sys
from importlib.metadata import version
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
from scipy.stats import norm

DATA = Path(sys.argv[1])
YEAR_US = 365.25 * 86_400e6


def performance(closes: pd.Series, periods: float, risk_free_rate: float) -> dict:
    equity = closes.to_numpy()
    times = (closes.index.astype("datetime64[us]").astype("int64")).to_numpy()
    returns = equity[1:] / equity[:-1] - 1
    rate = (1 + risk_free_rate) ** (1 / periods) - 1
    running = np.maximum.accumulate(equity)
    valley = int(np.argmin(equity / running))
    cagr = (equity[-1] / equity[0]) ** (YEAR_US / float(times[-1] - times[0])) - 1
    drawdown = -empyrical.max_drawdown(returns)
    return {
        "periods_per_year": periods,
        "risk_free_rate": risk_free_rate,
        "sample_size": len(returns),
        "total_return": empyrical.cum_returns_final(returns),
        "annualised_return": cagr,
        "volatility": empyrical.annual_volatility(returns, annualization=periods),
        "sharpe": empyrical.sharpe_ratio(returns, risk_free=rate, annualization=periods),
        "sortino": empyrical.sortino_ratio(returns, required_return=rate, annualization=periods),
        "max_drawdown": drawdown,
        "peak_ts_us": int(times[int(np.argmax(equity[: valley + 1]))]),
        "valley_ts_us": int(times[valley]),
        "calmar": cagr / drawdown,
    }


def normal_var(values: np.ndarray, returns: np.ndarray, horizon: int, confidence: float) -> dict:
    mean = values @ returns.mean(axis=0) * horizon
    deviation = np.sqrt(values @ np.cov(returns, rowvar=False, ddof=1) @ values * horizon)
    z = norm.ppf(confidence)
    return {
        "horizon_bars": horizon,
        "confidence": confidence,
        "mean": mean,
        "deviation": deviation,
        "var": z * deviation - mean,
        "cvar": norm.pdf(z) / (1 - confidence) * deviation - mean,
    }


index = pd.read_csv(DATA / "sp500-index-daily-close-1990-2022.csv.gz", parse_dates=["Date"], index_col="Date")["SP500"]
year = index["2008"]
etfs = pd.read_csv(DATA / "factor-etfs-daily-close-2014-2022.csv.gz", index_col="Date")["2014-01-02":"2014-04-01"]
etf_returns = (etfs / etfs.shift(1) - 1).dropna().to_numpy()
values = np.array([250_000.0, -100_000.0, 50_000.0, 0.0, 125_000.0])

json.dump(
    {
        "oracle": {name: version(name) for name in ("empyrical-reloaded", "numpy", "pandas", "scipy")},
        "tolerance": {
            "relative": 1e-11,
            "reason": "sums run in another order (numpy adds pairwise), and a return near 1e-4 keeps 12 digits of a quotient near 1",
        },
        "performance": {
            "index_1990_2022": performance(index, 252, 0.02),
            "index_2008": {
                **performance(year, 252, 0.0),
                "closes": year.tolist(),
                "timestamps_us": year.index.astype("datetime64[us]").astype("int64").tolist(),
            },
        },
        "normal_var": {
            "values": values.tolist(),
            "returns": etf_returns.tolist(),
            "cases": [normal_var(values, etf_returns, h, c) for h, c in ((1, 0.95), (1, 0.99), (10, 0.99))],
        },
    },
    sys.stdout,
)
