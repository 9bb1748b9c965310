# Writes src/factors/golden.json from pandas, numpy, scipy and TA-Lib. Documents where the values come from; no test or
# program runs it.
#
#   python -m venv venv && venv/bin/pip install TA-Lib numpy pandas scipy
#   venv/bin/python scripts/golden/factors_golden.py ../shared/data
import json
import math
import pathlib
import sys

import numpy as np
import pandas as pd
import scipy
import scipy.stats
import talib

DATA = pathlib.Path(sys.argv[1])
OUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "factors" / "golden.json"
PRICES = "sp500-20-stocks-daily-close-1990-2022.csv.gz"
ROWS = [279, 299]  # The panel is compared after these rows, so that the ring of the second has wrapped.

closes = pd.read_csv(DATA / PRICES, index_col="Date").iloc[-300:]
stocks = {
    name: pd.read_csv(DATA / f"{name.lower()}-{span}-daily-ohlcv.csv.gz", index_col="Date").iloc[-60:]
    for name, span in (("NVDA", "1999-2014"), ("ORCL", "1995-2014"), ("YHOO", "1996-2014"))
}
assert len({tuple(frame.index) for frame in stocks.values()}) == 1
liquid_close = pd.DataFrame({name: frame["Close"] for name, frame in stocks.items()})
liquid_volume = pd.DataFrame({name: frame["Volume"].astype(float) for name, frame in stocks.items()})


def regressions(simple, market):
    """Slope and residual deviation (two degrees of freedom lost) of each column on the market."""
    x = np.column_stack([np.ones(len(market)), market.to_numpy()])
    solution, squares, _, _ = np.linalg.lstsq(x, simple.to_numpy(), rcond=None)
    return solution[1], np.sqrt(squares / (len(market) - 2))


def price_factors(p):
    simple = p.pct_change()
    log = np.log(p).diff()
    last = lambda frame, n: frame.iloc[-n:]
    beta, residual = regressions(last(simple, 60), last(simple.mean(axis=1), 60))
    window = last(p, 120)
    at = lambda back: p.iloc[-1 - back]
    values = {
        "momentum_20": p.pct_change(20).iloc[-1],
        "momentum_60": p.pct_change(60).iloc[-1],
        "momentum_120": p.pct_change(120).iloc[-1],
        "momentum_252_21": at(21) / at(252) - 1,
        "reversal_5": -p.pct_change(5).iloc[-1],
        "volatility_20": log.rolling(20).std().iloc[-1],
        "volatility_60": last(log, 60).std(),
        "downside_volatility_60": np.sqrt((last(log, 60).clip(upper=0) ** 2).mean()),
        "skewness_60": scipy.stats.skew(last(log, 60), bias=False),
        "kurtosis_60": scipy.stats.kurtosis(last(log, 60), bias=False),
        "beta_60": beta,
        "idiosyncratic_volatility_60": residual,
        "max_drawdown_120": (1 - window / window.cummax()).max(),
        "distance_from_high_252": at(0) / last(p, 252).max() - 1,
        "max_return_20": last(simple, 20).max(),
        "autocorrelation_20": last(log, 20).apply(lambda s: s.autocorr(1)),
        "rsi_14": [talib.RSI(last(p[s], 252).to_numpy(), 14)[-1] for s in p.columns],
        "ma_ratio_20_60": last(p, 20).mean() / last(p, 60).mean() - 1,
    }
    return {name: [float(v) for v in np.asarray(column)] for name, column in values.items()}


def volume_factors(p, v):
    illiquidity = (p.pct_change().abs() / (p * v)).iloc[-20:].mean()
    window = v.iloc[-20:]
    z = (v.iloc[-1] - window.mean()) / window.std()
    return {"amihud_20": [float(x) for x in illiquidity], "volume_z_20": [float(x) for x in z]}


ties = [3.0, math.nan, 1.0, 2.0, 3.0, 3.0, -5.0, 2.0]
golden = {
    "source": {
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "ta-lib": talib.__ta_version__.decode().split(" ")[0],
        "data": f"{PRICES}, last 300 rows; nvda, orcl and yhoo daily close and volume, last 60 rows",
    },
    "prices": {
        "tolerance": {
            "rel": 1e-11,
            "abs": 1e-13,
            "reason": "Sums run in another order and regressions are solved another way; returns near 0.01 are differences "
                      "of ratios exact to 1e-16, so a factor keeps about thirteen digits, one near zero as many decimals.",
        },
        "symbols": list(closes.columns),
        "times": list(closes.index),
        "close": closes.to_numpy().tolist(),
        "at": [{"row": row, "factors": price_factors(closes.iloc[: row + 1])} for row in ROWS],
    },
    "volumes": {
        "tolerance": {
            "rel": 1e-12,
            "abs": 0,
            "reason": "Relative only, as illiquidity is near 1e-11; small returns lose about three digits of sixteen.",
        },
        "symbols": list(stocks),
        "times": list(liquid_close.index),
        "close": liquid_close.to_numpy().tolist(),
        "volume": liquid_volume.to_numpy().tolist(),
        "at": [{"row": 59, "factors": volume_factors(liquid_close, liquid_volume)}],
    },
    "cross_section": {
        "tolerance": {"rel": 1e-14, "abs": 1e-15, "reason": "A handful of additions and one division."},
        "values": [None if math.isnan(v) else v for v in ties],
        "rank": [None if math.isnan(v) else float(v) for v in pd.Series(ties).rank(pct=True)],
        "z": [None if math.isnan(v) else float(v) for v in scipy.stats.zscore(ties, nan_policy="omit")],
    },
}
OUT.write_text(json.dumps(golden) + "\n")
