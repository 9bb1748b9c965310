# Values for the tests of experiments: shares, sequential evidence, special functions. Writes src/learning/experiments/golden.json.
#   pip install scipy xxhash savvi && python scripts/golden/experiments.py
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xxhash
from savvi.multinomial import Multinomial
from scipy import integrate, optimize, special, stats

OUT = Path(__file__).parents[2] / "src/learning/experiments/golden.json"
WIDTHS = [0.01, 0.25]


def mixture(mean, variance, size, degrees):
    """Mean over the widths of the density of the t statistic under normal effects, over that under none; integrated over the deviation."""
    t = mean / np.sqrt(variance)

    def density(spread):
        scale = np.sqrt(1 + spread**2)
        at = lambda u: stats.norm.pdf(t * u, scale=scale) * u * stats.chi.pdf(u * np.sqrt(degrees), degrees) * np.sqrt(degrees)
        return integrate.quad(at, 0, 1 + 40 / np.sqrt(2 * degrees), epsabs=0, epsrel=1e-12, limit=500, points=[1])[0]

    return float(np.mean([density(np.sqrt(width * size)) for width in WIDTHS]) / stats.t.pdf(t, degrees))


def pairs(n, mean, variance):
    return {"n": n, "mean": mean, "m2": variance * (n - 1), "evidence": mixture(mean, variance / n, n, n - 1)}


def universal(n1, h1, n2, h2, delta):
    """Jeffreys mixtures of two rates over the most likely rates that differ by delta, by a bounded search."""
    mixed = sum(special.betaln(h + 0.5, n - h + 0.5) - special.betaln(0.5, 0.5) for n, h in [(n1, h1), (n2, h2)])
    low, high = max(0, -delta), min(1, 1 - delta)

    def loss(p):
        q = p + delta
        terms = [special.xlogy(h1, p), special.xlogy(n1 - h1, 1 - p), special.xlogy(h2, q), special.xlogy(n2 - h2, 1 - q)]
        return -sum(terms)

    best = optimize.minimize_scalar(loss, bounds=(low + 1e-12, high - 1e-12), method="bounded", options={"xatol": 1e-13})
    return {"first": [n1, h1], "second": [n2, h2], "delta": delta, "log_evidence": float(mixed + best.fun)}


def mismatch(weights, counts):
    test = Multinomial(0.05, np.array(weights), k=100)
    test.update(np.array(counts))
    expected = np.array(weights) * sum(counts)
    chi = stats.chisquare(counts, expected)
    return {"weights": weights, "counts": counts, "p": float(1 / test.odds), "chi_square": float(chi.statistic), "chi_square_p": float(chi.pvalue)}


golden = {
    "source": {name: version(name) for name in ["scipy", "xxhash", "savvi"]},
    "hashes": [{"key": k, "seed": s, "hash": xxhash.xxh32(k.encode(), seed=s).intdigest()} for k, s in [("", 0), ("a", 0), ("key-1", 1), ("BTC-PERP", 4294967295), ("schlüssel", 7)]],
    "log_gamma": [[x, float(special.gammaln(x))] for x in [0.5, 1.5, 10, 100.5, 1e6]],
    "chi_square_tail": [[x, k, float(stats.chi2.sf(x, k))] for x, k in [(0.5, 1), (3.84, 1), (10, 3), (2, 5), (40, 7), (700, 2)]],
    "pairs": [pairs(10, 0.5, 1.2), pairs(100, 0.31, 1.0), pairs(400, -0.02, 4.0), pairs(50, 0.0, 1.0)],
    "rates": [universal(200, 0, 10, 10, 0.0), universal(500, 40, 450, 70, 0.0), universal(500, 40, 450, 70, 0.05), universal(30, 12, 40, 9, -0.3)],
    "mismatches": [mismatch([0.5, 0.5], [520, 480]), mismatch([0.9, 0.05, 0.05], [900, 80, 40]), mismatch([0.5, 0.5], [600, 400])],
}
OUT.write_text(json.dumps(golden, indent=1) + "\n")
