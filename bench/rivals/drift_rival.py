# The rival that looks for drift: evidently, and the bare tests of SciPy that it calls. Reads one JSON request a line ({"task", "rows",
# "columns"}), answers with {"ns", "value"}: the time of one comparison of two tables, and the distance of Wasserstein of the first column in standard
# deviations of the reference. Tables are those of bench/learning/drift.bench.ts.
import json
import sys
import time
import warnings

import evidently
import numpy as np
import pandas as pd
import scipy
from evidently import Report
from evidently.presets import DataDriftPreset
from scipy import stats

warnings.filterwarnings("ignore")


def uniforms(count, salt):
    """Numbers in [0, 1) that look random, by the formula of the bench."""
    x = np.sin((np.arange(count, dtype=np.float64) + salt) * 12.9898) * 43758.5453
    return (x - np.floor(x)).astype(np.float32)


def frame(rows, columns, salt):
    values = uniforms(rows * columns, salt).reshape(rows, columns)
    return pd.DataFrame(values, columns=[f"c{i}" for i in range(columns)])


def run_evidently(reference, current):
    report = Report([DataDriftPreset()]).run(current, reference).dict()
    return float(report["metrics"][1]["value"])


def run_scipy(reference, current):
    first = None
    for name in reference:
        a, b = reference[name].to_numpy(), current[name].to_numpy()
        stats.ks_2samp(a, b, method="asymp")
        distance = stats.wasserstein_distance(a, b) / a.std(dtype=np.float64)
        first = distance if first is None else first
    return float(first)


TASKS = {"evidently": run_evidently, "scipy": run_scipy}
frames = {}
versions = {"evidently": evidently.__version__, "SciPy": scipy.__version__, "pandas": pd.__version__}
print(json.dumps({"Python": sys.version.split()[0], **versions}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        size = (request["rows"], request["columns"])
        if size not in frames:
            frames[size] = (frame(*size, 1), frame(*size, 2))
        before = time.perf_counter_ns()
        value = TASKS[request["task"]](*frames[size])
        print(json.dumps({"ns": time.perf_counter_ns() - before, "value": value}), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
