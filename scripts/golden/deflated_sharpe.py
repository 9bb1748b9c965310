# Writes src/learning/search/deflated-sharpe.json: deflated Sharpe ratios by SciPy's normal distribution, the formulas written out as in
# Bailey and Lopez de Prado 2014, The Deflated Sharpe Ratio, equations 1, 2 and 9. Needs SciPy; its version goes into the file.
import json
from pathlib import Path

import numpy as np
import scipy
from scipy.stats import norm

root = Path(__file__).resolve().parents[2]
rng = np.random.default_rng(2014)


def case(sharpe, observations, skewness, kurtosis, trials, deviation):
    g = np.euler_gamma
    threshold = 0.0
    if trials > 1:
        threshold = deviation * ((1 - g) * norm.ppf(1 - 1 / trials) + g * norm.ppf(1 - 1 / (trials * np.e)))
    spread = np.sqrt(1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2)
    return {
        'sharpe': sharpe,
        'observations': observations,
        'skewness': skewness,
        'kurtosis': kurtosis,
        'trials': trials,
        'deviation': deviation,
        'threshold': float(threshold),
        'probability': float(norm.cdf((sharpe - threshold) * np.sqrt(observations - 1) / spread)),
    }


cases = [case(0.05, 500, 0.0, 3.0, 1, 0.03)]
for trials in (2, 10, 1000, 10000):
    draw = rng.uniform(size=5)
    cases.append(
        case(
            float(0.3 * draw[0] - 0.05),
            int(50 + 5000 * draw[1]),
            float(2 * draw[2] - 1),
            float(2.5 + 8 * draw[3]),
            trials,
            float(0.08 * draw[4]),
        )
    )
json.dump(
    {
        'source': f'SciPy {scipy.__version__}',
        'tolerance': 1e-9,
        'tolerance_why': 'the quantile is found by halving, to 1e-12 of a deviation; the slope of the probability by it is below sqrt(observations) / 2',
        'cases': cases,
    },
    (root / 'src/learning/search/deflated-sharpe.json').open('w'),
    indent=1,
)
