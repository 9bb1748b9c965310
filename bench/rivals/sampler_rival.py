# Optuna as a rival of samplers: speaks as rival.py does. A task is one proposal after many trials, or a whole search of a function that costs nothing.
import json
import math
import sys
import time
import warnings

import cmaes
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")
SAMPLERS = {
    "tpe": lambda: optuna.samplers.TPESampler(seed=1),
    "cma_es": lambda: optuna.samplers.CmaEsSampler(seed=1),
    "sobol": lambda: optuna.samplers.QMCSampler(seed=1, scramble=True),
}


def floats(trial):
    """The space and the loss of bench/learning/samplers.bench.ts."""
    return sum((trial.suggest_float(f"x{i}", -5, 5) - 0.3 * i) ** 2 for i in range(10))


def settings(trial):
    loss = sum((trial.suggest_float(f"f{i}", -5, 5) - 0.3 * i) ** 2 for i in range(4))
    loss += sum((math.log10(trial.suggest_float(f"g{i}", 1e-5, 1, log=True)) + 2) ** 2 for i in range(2))
    loss += sum((trial.suggest_int(f"n{i}", 1, 12) - 4) ** 2 for i in range(2))
    loss += abs(math.log2(trial.suggest_int("w", 8, 512, log=True)) - 6)
    return loss + (0 if trial.suggest_categorical("c", ["a", "b", "c", "d"]) == "b" else 1)


SPACES = {"floats": floats, "settings": settings}


def search(sampler, space, trials):
    study = optuna.create_study(sampler=SAMPLERS[sampler]())
    study.optimize(SPACES[space], n_trials=trials)
    return study


def proposal(sampler, space, trials):
    """One more trial after `trials` random ones; it is told as failed, so that the next call sees the same trials."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(SPACES[space], n_trials=trials)
    study.sampler = SAMPLERS[sampler]()

    def run():
        trial = study.ask()
        loss = SPACES[space](trial)
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return loss

    return run


def whole(sampler, space, trials):
    return lambda: search(sampler, space, trials).best_value


TASKS = {"proposal": proposal, "search": whole}
versions = {"Python": sys.version.split()[0], "Optuna": f"{optuna.__version__} with cmaes {cmaes.__version__}"}
print(json.dumps(versions), flush=True)
prepared, call = None, None
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request != prepared:
            prepared = None
            parameters = {key: value for key, value in request.items() if key != "task"}
            call = TASKS[request["task"]](**parameters)
            prepared = request
        start = time.perf_counter_ns()
        value = call()
        reply = {"ns": time.perf_counter_ns() - start, "value": value}
    except Exception as error:  # the bench says what failed
        prepared = None
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
