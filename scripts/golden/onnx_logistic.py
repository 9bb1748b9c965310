"""Writes engines/ml/fit/golden.json: a logistic regression and its scores, by scikit-learn, on a slice of real inputs.

    bun scripts/golden/onnx-slice.ts > /tmp/slice.json
    python -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn==1.9.1 onnx==1.23.2
    /tmp/venv/bin/python scripts/golden/onnx_logistic.py /tmp/slice.json

Also runs the checker of the `onnx` package over every committed model.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler

root = pathlib.Path(__file__).resolve().parents[2]
data = json.loads(pathlib.Path(sys.argv[1]).read_text())
inputs, labels, returns = (np.array(data[key]) for key in ("inputs", "labels", "returns"))
scaler = StandardScaler().fit(inputs)
fits = []
for l2 in (1.0, 25.0, 0.01):
    model = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-14, max_iter=1000)
    model.fit(scaler.transform(inputs), labels)
    probabilities = model.predict_proba(scaler.transform(inputs))[:, 1]
    long = probabilities >= 0.5
    fits.append(
        {
            "l2": l2,
            "coefficients": model.coef_[0].tolist(),
            "intercept": float(model.intercept_[0]),
            "probabilities": probabilities.tolist()[:20],
            "scores": {
                "accuracy": float(accuracy_score(labels, long)),
                "auc": float(roc_auc_score(labels, probabilities)),
                "log_loss": float(log_loss(labels, probabilities)),
                "brier": float(brier_score_loss(labels, probabilities)),
                "base_rate": float(labels.mean()),
                "gross_return_bps": float(np.where(long, returns, -returns).mean() * 1e4),
            },
        }
    )
# Forecasts on a coarse grid have many ties, which is where AUC formulas differ.
tied = np.clip(np.round(4 + 12 * inputs[:, 0]) / 8, 0, 1)
golden = {
    "source": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}: StandardScaler, LogisticRegression (newton-cholesky, tol 1e-14), metrics",
    **data,
    "mean": scaler.mean_.tolist(),
    "std": scaler.scale_.tolist(),
    "fits": fits,
    "tied": {"probabilities": tied.tolist(), "auc": float(roc_auc_score(labels, tied))},
}
(root / "engines/ml/fit/golden.json").write_text(json.dumps(golden) + "\n")
for path in sorted(root.glob("models/*/model.onnx")):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    print("accepted by onnx", onnx.__version__, path.parent.name)
