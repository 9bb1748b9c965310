# The rivals in Python: reads one JSON request a line ({"task", ...sizes}), answers with {"ns", "value"}: nanoseconds of one
# call, and one number of its result for comparison. Inputs are the formulas that the benches use, so that both sides answer
# the same. The first call of a request is not timed when it is short: the process just woke up with cold caches.
import json
import math
import sys
import time

import numpy as np

VERSIONS = {"Python": sys.version.split()[0], "NumPy": np.__version__}
try:
    import pandas as pd

    VERSIONS["pandas"] = pd.__version__
except ImportError:
    pd = None
try:
    import talib

    VERSIONS["TA-Lib"] = talib.__ta_version__.decode().split(" ")[0]
except ImportError:
    talib = None
try:
    import QuantLib as ql

    VERSIONS["QuantLib"] = ql.__version__
except ImportError:
    ql = None
try:
    import scipy.linalg

    VERSIONS["SciPy"] = scipy.__version__
except ImportError:
    scipy = None

try:
    import sklearn

    VERSIONS["scikit-learn"] = sklearn.__version__
except ImportError:
    sklearn = None

try:
    import lightgbm

    VERSIONS["LightGBM"] = lightgbm.__version__
except ImportError:
    lightgbm = None

try:
    from importlib.metadata import version

    import tokenizers
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    VERSIONS["tokenizers"], VERSIONS["vaderSentiment"] = tokenizers.__version__, version("vaderSentiment")
except ImportError:
    tokenizers = None

SHORT_NS = 50e6
TASKS = {}


def task(function):
    """Registers what prepares a task: it returns the call to be timed, which returns its result."""
    TASKS[function.__name__] = function
    return function


def wave(length, factor, dtype="float64"):
    return np.sin(np.arange(length, dtype=np.float64) * factor).astype(dtype)


def prices(bars, series):
    """[bars, series] around 100, as fillPrices of bench/inputs.ts makes them."""
    at = np.arange(bars * series, dtype=np.float64).reshape(bars, series)
    bar, column = np.arange(bars)[:, None], np.arange(series)[None, :]
    return 100 + 10 * np.sin(0.01 * bar + column) + 0.5 * np.sin(at * 12.9898)


@task
def product(n, dtype):
    a = wave(n * n, 0.7, dtype).reshape(n, n)
    b = wave(n * n, 1.3, dtype).reshape(n, n)
    out = np.empty_like(a)
    return lambda: np.matmul(a, b, out=out)


@task
def covariance(rows, columns):
    values = wave(rows * columns, 0.7).reshape(rows, columns)
    return lambda: np.cov(values, rowvar=False)


def tree_set(file):
    """The rows of training and of the test as bench/learning/trees.bench.ts writes them, and whether they are of two classes."""
    rows, test_rows, columns, binary = np.fromfile(file, np.int32, 4)
    values = np.fromfile(file, np.float32, offset=16)
    sizes = [rows * columns, rows, test_rows * columns, test_rows]
    x, y, test_x, test_y = np.split(values, np.cumsum(sizes)[:-1])
    return x.reshape(rows, columns), y, test_x.reshape(test_rows, columns), test_y, bool(binary)


def grown_trees(x, y, binary, rounds, leaves, threads, layout):
    """A whole fit: cutting columns into bins, then rounds."""
    options = {"num_threads": threads, "verbose": -1, "max_bin": 255}
    fit = {**options, "num_leaves": leaves, "learning_rate": 0.1, f"force_{layout}_wise": True}
    fit["objective"] = "binary" if binary else "regression"
    return lightgbm.train(fit, lightgbm.Dataset(x, y, params=options), rounds)


@task
def boosted_trees(file, rounds, leaves, threads, layout):
    x, y, _, _, binary = tree_set(file)
    return lambda: np.array([grown_trees(x, y, binary, rounds, leaves, threads, layout).num_trees()])


@task
def boosted_trees_score(file, rounds, leaves, threads, layout):
    """R2 or the area under the ROC curve of the test rows."""
    from sklearn.metrics import r2_score, roc_auc_score

    x, y, test_x, test_y, binary = tree_set(file)
    score = roc_auc_score if binary else r2_score
    return lambda: score(test_y, grown_trees(x, y, binary, rounds, leaves, threads, layout).predict(test_x))


@task
def triad(length):
    b, c, out = wave(length, 0.7), wave(length, 1.3), np.empty(length)

    def run():
        np.multiply(c, 3.0, out=out)
        return np.add(out, b, out=out)

    return run


@task
def european_numpy(paths, steps, dtype):
    """Paths in blocks that stay in the cache, the logarithm of the price summed over the steps."""
    rng = np.random.default_rng(1)
    spot, strike, rate, volatility, maturity = 100.0, 100.0, 0.03, 0.2, 1.0
    dt = maturity / steps
    drift, diffusion = (rate - 0.5 * volatility**2) * dt, volatility * math.sqrt(dt)
    block = 4096
    normals, x = np.empty(block, dtype), np.empty(block, dtype)

    def run():
        total = 0.0
        for first in range(0, paths, block):
            count = min(block, paths - first)
            x[:] = 0
            for _ in range(steps):
                rng.standard_normal(dtype=dtype, out=normals)
                np.multiply(normals, diffusion, out=normals)
                np.add(normals, drift, out=normals)
                np.add(x, normals, out=x)
            total += np.maximum(spot * np.exp(x[:count]) - strike, 0).sum(dtype=np.float64)
        return math.exp(-rate * maturity) * total / paths

    return run


@task
def european_quantlib(paths, steps):
    today = ql.Date(2, 1, 2025)
    ql.Settings.instance().evaluationDate = today
    day_count = ql.Actual365Fixed()
    spot = ql.QuoteHandle(ql.SimpleQuote(100.0))
    rate = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.03, day_count))
    dividend = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, day_count))
    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), 0.2, day_count))
    process = ql.BlackScholesMertonProcess(spot, dividend, rate, volatility)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call, 100.0)
    exercise = ql.EuropeanExercise(today + ql.Period(365, ql.Days))

    def run():
        option = ql.VanillaOption(payoff, exercise)
        option.setPricingEngine(
            ql.MCEuropeanEngine(process, "pseudorandom", timeSteps=steps, requiredSamples=paths, seed=1)
        )
        return option.NPV()

    return run


@task
def rsi_talib(bars, series, period):
    panel = np.ascontiguousarray(prices(bars, series).T)
    kept = np.empty_like(panel)

    def run():
        if series == 1:
            return talib.RSI(panel[0], period)[-1]
        for at, close in enumerate(panel):
            kept[at] = talib.RSI(close, period)
        return kept[-1, -1]

    return run


@task
def rsi_pandas(bars, series, period):
    frame = pd.DataFrame(prices(bars, series))

    def run():
        change = frame.diff()
        gain = change.clip(lower=0).ewm(alpha=1 / period, adjust=False).mean()
        loss = (-change.clip(upper=0)).ewm(alpha=1 / period, adjust=False).mean()
        return (100 - 100 / (1 + gain / loss)).to_numpy()[-1, -1]

    return run


@task
def features(bars, series):
    """The twelve features of the Features engine by TA-Lib, series by series."""
    close = np.ascontiguousarray(prices(bars, series).T)
    high, low = close * 1.002, close * 0.998

    def run():
        for at in range(series):
            one = close[at]
            talib.RSI(one, 14)
            for period in (12, 26, 50, 200):
                average = talib.EMA(one, period)
            talib.MACD(one, 12, 26, 9)
            talib.BBANDS(one, 20, 2, 2)
            talib.ATR(high[at], low[at], one, 14)
        return average[-1]

    return run


@task
def logistic(rows, columns):
    inputs = wave(rows * columns, 1.7, "float32").reshape(rows, columns)
    mean, std, weights = wave(columns, 0.3, "float32"), 1 + np.abs(wave(columns, 0.9, "float32")), wave(columns, 2.3, "float32")
    return lambda: 1 / (1 + np.exp(-(((inputs - mean) / std) @ weights + np.float32(0.1))))


@task
def network_sklearn(rows):
    from rival_network import small_network

    row, column = np.arange(rows, dtype=np.float64)[:, None], np.arange(7, dtype=np.float64)[None, :]
    inputs = (np.sin(row * 1.7 + column) / 10).astype("float32")
    predict = small_network()
    return lambda: predict(inputs)


@task
def indicator(code, bars, series):
    """An expression over the functions of TA-Lib for a panel, series by series; all outputs are kept, in memory that is there
    already, as the other side keeps them."""
    close = np.ascontiguousarray(prices(bars, series).T)
    volume = (1000 + 500 * np.sin(np.arange(float(bars * series)))).reshape(bars, series)
    panel = [close * 0.999, close * 1.002, close * 0.998, close, np.ascontiguousarray(volume.T)]
    call = eval(f"lambda o, h, l, c, v: ({code})", {**vars(talib), "np": np})

    def flat(out):
        return [one for part in out for one in flat(part)] if isinstance(out, tuple) else [out]

    kept = [np.empty_like(close) for _ in flat(call(*[column[0] for column in panel]))]

    def run():
        if series == 1:
            return flat(call(*[column[0] for column in panel]))[0][-1:]
        for at, rows in enumerate(zip(*panel)):
            for to, out in zip(kept, flat(call(*rows))):
                to[at] = out
        return kept[0][-1, -1:]

    return run


def cloud(rows, columns):
    """Rows around eight centres, as bench/learning/classic.bench.ts makes them."""
    row, column = np.arange(rows, dtype=np.float64)[:, None], np.arange(columns, dtype=np.float64)[None, :]
    return 3 * np.sin((row % 8) * (column + 1)) + np.sin(row * 12.9898 + column * 78.233)


@task
def kmeans_sklearn(rows, columns, clusters, rounds):
    from sklearn.cluster import KMeans

    values = cloud(rows, columns)
    start = 0.5 * values[:clusters]
    return lambda: KMeans(clusters, init=start, n_init=1, max_iter=rounds, tol=0).fit(values).inertia_


@task
def dbscan_sklearn(rows, columns, eps, least):
    from sklearn.cluster import DBSCAN

    values = cloud(rows, columns)
    return lambda: (DBSCAN(eps=eps, min_samples=least, n_jobs=-1).fit(values).labels_ >= 0).sum()


@task
def elastic_net_sklearn(rows, columns, alpha):
    from sklearn.linear_model import ElasticNet

    values = cloud(rows, columns)
    target = values[:, 0] - values[:, 5] + np.sin(np.arange(rows))

    def run():
        fit = ElasticNet(alpha=alpha, l1_ratio=0.5, tol=1e-6, precompute=True).fit(values, target)
        return np.mean((fit.predict(values) - target) ** 2)

    return run


def validation_rows(rows, columns):
    """Rows and labels as bench/learning/validation.bench.ts makes them, in float32."""
    row, column = np.arange(rows, dtype=np.float64)[:, None], np.arange(columns, dtype=np.float64)[None, :]
    values = (np.sin(row * (column + 1) * 0.7391) + np.sin(row * 12.9898 + column * 78.233)).astype("float32")
    noise = 2 * np.sin(row[:, 0] * row[:, 0] * 0.001)
    return values, (values[:, 0].astype("float64") - values[:, 5] + noise > 0).astype(int)


def logistic_folds(rows, columns, folds, horizon):
    """The probabilities of class 1 of purged folds, the predictor standardised within each, and the labels."""
    from sklearn.linear_model import LogisticRegression

    values, labels = validation_rows(rows, columns)
    place = np.arange(rows)
    out = np.empty(rows)
    for test in np.array_split(place, folds):
        train = place[(place + horizon < test[0]) | (place > test[-1] + horizon)]
        mean, std = values[train].mean(0), values[train].std(0)
        fit = LogisticRegression(solver="newton-cholesky", tol=1e-8).fit((values[train] - mean) / std, labels[train])
        out[test] = fit.predict_proba((values[test] - mean) / std)[:, 1]
    return out, labels


@task
def logistic_cv_sklearn(rows, columns, folds, horizon):
    from sklearn.metrics import log_loss

    def run():
        out, labels = logistic_folds(rows, columns, folds, horizon)
        return log_loss(labels, out)

    return run


def selection_columns(rows, columns):
    r, c = np.arange(rows, dtype=np.float64)[:, None], np.arange(columns)
    return np.sin(r * 12.9898 + c * 78.233) + 0.5 * np.sin(r * (c + 1) * 0.7391)


@task
def mutual_information_sklearn(rows, columns):
    from sklearn.feature_selection import mutual_info_regression

    x = selection_columns(rows, columns)
    r = np.arange(rows, dtype=np.float64)
    y = x[:, 0] - x[:, 1] + np.sin(r * r * 0.001)
    return lambda: float(mutual_info_regression(x, y, random_state=0).sum())


@task
def spearman_scipy(rows, columns):
    from scipy.stats import spearmanr

    x = selection_columns(rows, columns)
    return lambda: float(np.abs(spearmanr(x).statistic).sum())


@task
def train_mlp_sklearn(rows, columns, hidden, batch):
    from sklearn.neural_network import MLPClassifier

    x = np.sin((np.arange(20000 * columns, dtype=np.float64) + 1) * 12.9898) * 43758.5453
    x = ((x - np.floor(x)) * 2 - 1).astype("float32").reshape(20000, columns)
    labels = (x[:, :20:2] * x[:, 1:20:2]).argmax(1)
    network = MLPClassifier((hidden, hidden), alpha=0, batch_size=batch, shuffle=True, random_state=1)
    network.partial_fit(x[:rows], labels[:rows], classes=np.arange(10))
    return lambda: network.partial_fit(x[:rows], labels[:rows]).loss_


@task
def bootstrap_sklearn(rows, columns, folds, horizon, resamples, block):
    from sklearn.metrics import log_loss, roc_auc_score

    out, labels = logistic_folds(rows, columns, folds, horizon)

    def run():
        rng = np.random.default_rng(1)
        for _ in range(resamples):
            starts = rng.integers(0, rows, -(-rows // block))
            drawn = (starts[:, None] + np.arange(block)).ravel()[:rows] % rows
            weights = np.bincount(drawn, minlength=rows)
            roc_auc_score(labels, out, sample_weight=weights)
            log_loss(labels, out, sample_weight=weights)
        return roc_auc_score(labels, out)

    return run


def texts(golden, count):
    """Short texts, as bench/learning/sentiment.bench.ts takes them."""
    sentences = [one["text"] for one in golden["vader"]["cases"]]
    return [sentences[i % len(sentences)] for i in range(count)]


@task
def vader_scores(file, count):
    with open(file) as opened:
        given = texts(json.load(opened), count)
    analyser = SentimentIntensityAnalyzer()
    return lambda: sum(analyser.polarity_scores(text)["compound"] for text in given)


@task
def token_ids(file, at, count):
    with open(file) as opened:
        golden = json.load(opened)
    given = texts(golden, count)
    tokenizer = tokenizers.Tokenizer.from_str(json.dumps(golden["tokenizers"]["cases"][at]["tokenizer"]))
    return lambda: sum(len(tokenizer.encode(text).ids) for text in given)


def filled(shape, values, rng):
    """An input as src/native/example-call.ts fills it, but for the numbers themselves."""
    if values == "spd":
        factor = rng.standard_normal(shape)
        return factor @ factor.T / shape[0] + np.eye(shape[0])
    if values == "price":
        return 100 * np.cumprod(1 + 0.01 * rng.standard_normal(shape), axis=0)
    if values in ("volume", "positive"):
        return 0.5 + rng.random(shape)
    if values == "probability":
        return 0.05 + 0.9 * rng.random(shape)
    return rng.standard_normal(shape)


@task
def expression(code, numbers, inputs):
    """An expression over the arrays and numbers of a kernel's call."""
    rng = np.random.default_rng(1)
    scope = {"np": np, "pd": pd}
    if "linalg" in code:
        scope["linalg"] = scipy.linalg
    if "qmc" in code or "stats" in code:
        from scipy import stats

        scope["qmc"], scope["stats"] = stats.qmc, stats
    for name, value in numbers.items():
        scope[name] = int(value) if float(value).is_integer() else value
    for name, one in inputs.items():
        scope[name] = filled(one["shape"], one["values"], rng)
    return eval(f"lambda: ({code})", scope)


def value_of(result):
    """The last number of a result; 0 of one that is no array of numbers."""
    try:
        array = np.asarray(result, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return 0.0
    return float(array[-1]) if array.size else 0.0


def serve():
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
            result = call()
            ns = time.perf_counter_ns() - start
            if ns < SHORT_NS:
                repeats = max(1, int(4e6 / max(ns, 1)))
                start = time.perf_counter_ns()
                for _ in range(repeats):
                    result = call()
                ns = (time.perf_counter_ns() - start) / repeats
            reply = {"ns": ns, "value": value_of(result)}
        except Exception as error:  # the bench says what failed and goes on without the rival
            prepared = None
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply).replace("NaN", "null").replace("Infinity", "null"), flush=True)


print(json.dumps(VERSIONS), flush=True)
serve()
