# Optuna with LightGBM as a rival of searches: speaks as rival.py does. A search is a study of TPE with its median pruner over boosted trees, each trial
# stopped early by the rows that it is measured on, as Optuna's examples of LightGBM do; the best one is fitted again on those rows as well. As many trials at
# a time as there are threads, each on one: that is faster than one trial on all of them.
import json
import sys
import threading
import time

import lightgbm
import numpy as np
import optuna
from sklearn.metrics import r2_score, roc_auc_score

optuna.logging.set_verbosity(optuna.logging.ERROR)
MOST_ROUNDS = 1000
PATIENCE = 30
# A trial tells of its loss so often, as ours does.
REPORT_EACH = MOST_ROUNDS // 20


def rows_of(file):
    """Training rows, rows that trials are measured on, and test rows, as bench/learning/automl.bench.ts writes them."""
    *sizes, columns, binary = np.fromfile(file, np.int32, 5)
    values = np.fromfile(file, np.float32, offset=20)
    lengths = [length for rows in sizes for length in (rows * columns, rows)]
    arrays = np.split(values, np.cumsum(lengths)[:-1])
    pairs = [(x.reshape(-1, columns), y) for x, y in zip(arrays[::2], arrays[1::2])]
    return pairs, bool(binary)


def space(trial):
    """As src/learning/search/default-spaces.ts has it for gradient_boosting."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 300, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 100, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1),
    }


DEFAULTS = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "lambda_l2": 1e-3,
    "bagging_fraction": 1.0,
    "feature_fraction": 1.0,
}


def reporting(trial):
    def callback(env):
        if (env.iteration + 1) % REPORT_EACH:
            return
        trial.report(env.evaluation_result_list[0][2], env.iteration + 1)
        if trial.should_prune():
            raise optuna.TrialPruned()

    return callback


def search(file, trials, seconds, threads, seed):
    """Returns the trials that were begun and the score on the test rows: R2, of classes the area under the ROC curve."""
    (train, watched, test), binary = rows_of(file)
    metric = "binary_logloss" if binary else "rmse"
    fixed = {
        "objective": "binary" if binary else "regression",
        "metric": metric,
        "num_threads": 1,
        "verbose": -1,
        "max_bin": 255,
        "bagging_freq": 1,
        "seed": seed,
        # Leaves of fewer rows than the first trial's are asked for later.
        "feature_pre_filter": False,
    }
    own = threading.local()

    def datasets():
        """The rows of a thread, cut into bins once for all of its trials."""
        if not hasattr(own, "pair"):
            data = lightgbm.Dataset(*train, params=fixed, free_raw_data=False).construct()
            own.pair = (data, lightgbm.Dataset(*watched, reference=data, params=fixed, free_raw_data=False))
        return own.pair

    def objective(trial):
        data, valid = datasets()
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        callbacks = [stop, reporting(trial)]
        grown = lightgbm.train(
            {**fixed, **space(trial)}, data, MOST_ROUNDS, valid_sets=[valid], callbacks=callbacks
        )
        trial.set_user_attr("rounds", grown.best_iteration)
        return grown.best_score["valid_0"][metric]

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner()
    )
    study.enqueue_trial(DEFAULTS)
    study.optimize(objective, n_trials=trials, timeout=seconds, n_jobs=threads)
    both = [np.concatenate(parts) for parts in zip(train, watched)]
    best = study.best_trial
    final = lightgbm.train(
        {**fixed, **best.params, "num_threads": threads}, lightgbm.Dataset(*both, params=fixed), best.user_attrs["rounds"]
    )
    score = roc_auc_score if binary else r2_score
    return len(study.trials), float(score(test[1], final.predict(test[0])))


print(
    json.dumps(
        {
            "Python": sys.version.split()[0],
            "LightGBM": lightgbm.__version__,
            "Optuna": optuna.__version__,
        }
    ),
    flush=True,
)
last = (0, float("nan"))
for line in sys.stdin:
    request = json.loads(line)
    try:
        task = request.pop("task")
        start = time.perf_counter_ns()
        if task == "search":
            last = search(**request)
        elif task != "trials":
            raise ValueError("Expected search or trials for task")
        ns = time.perf_counter_ns() - start
        reply = {"ns": ns, "value": last[1] if task == "search" else last[0]}
    except Exception as error:  # the bench says what failed and goes on without the rival
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply).replace("NaN", "null"), flush=True)
