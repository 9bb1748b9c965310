"""Writes src/learning/deep/golden.json: what outside tools make of the same models.

    bun scripts/golden/variants-models.ts /tmp/variants
    python -m venv /tmp/venv && /tmp/venv/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 onnxconverter-common==1.16.0
    /tmp/venv/bin/python scripts/golden/variants.py /tmp/variants

Float16: outputs of the model that onnxconverter-common converts as a whole, and of our variant by the reference evaluator of
`onnx`, which calculates in float16 with numpy. 8 bits: weights and scales of ONNX Runtime's quantize_dynamic (symmetric QInt8 for each channel).
Also runs the checker of `onnx` with strict shape inference over every variant.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxconverter_common
import onnxruntime
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxconverter_common import float16
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import quantize_data

root = pathlib.Path(__file__).resolve().parents[2]
folder = pathlib.Path(sys.argv[1])
ROWS, COLUMNS = 64, 12
KEPT = 8

# Sixteenths, the same bits everywhere.
inputs = np.array([(((i * 31) % 41) - 20) / 16 for i in range(ROWS * COLUMNS)], dtype=np.float32).reshape(ROWS, COLUMNS)


def run(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x})[0]


def rounded(values):
    return [float(np.float32(v)) for v in np.asarray(values, dtype=np.float32)[:KEPT].ravel()]


models = {}
for path in sorted(folder.glob("*.onnx")):
    onnx.checker.check_model(str(path), full_check=True)
    name, *variant = path.name.removesuffix(".onnx").split(".")
    if variant:
        continue
    model = onnx.load(str(path))
    own = onnx.load(str(folder / f"{name}.float16.onnx"))
    found = {"float32": rounded(run(model, inputs))}
    found["onnxconverter"] = rounded(run(float16.convert_float_to_float16(model, keep_io_types=True), inputs))
    if not any(node.op_type in ("RNN", "GRU", "LSTM") for node in model.graph.node):
        found["reference"] = rounded(ReferenceEvaluator(own).run(None, {"input": inputs})[0])
        with tempfile.TemporaryDirectory() as at:
            out = str(pathlib.Path(at) / "q.onnx")
            quantize_dynamic(str(path), out, per_channel=True, weight_type=QuantType.QInt8,
                             op_types_to_quantize=["MatMul", "Gemm", "Conv"],
                             extra_options={"WeightSymmetric": True, "MatMulConstBOnly": True})
            theirs = {t.name: numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
        ours = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / f"{name}.int8.onnx")).graph.initializer}
        weights = {}
        for key in ours:
            if not key.endswith("/int8"):
                continue
            weight = key.removesuffix("/int8")
            if f"{weight}_quantized" not in theirs:
                print("not quantised by onnxruntime:", name, weight)
                continue
            integers, scales = theirs[f"{weight}_quantized"], np.atleast_1d(theirs[f"{weight}_scale"])
            if len(scales) == 1:
                # Convolutions get one scale there; filter by filter it is the same function.
                whole = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}[weight]
                parts = [quantize_data(part, onnx.TensorProto.INT8, True)[-2:] for part in whole]
                integers = np.stack([part for _, part in parts])
                scales = np.array([scale for scale, _ in parts])
            weights[weight] = {"integers": integers.ravel().tolist(), "scales": [float(v) for v in scales.ravel()]}
        found["int8"] = weights
    models[name] = found

golden = {
    "source": f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, onnxconverter-common {onnxconverter_common.__version__}",
    "inputs": "((i * 31) % 41 - 20) / 16, [64, 12]",
    "rows": KEPT,
    "models": models,
}
(root / "src/learning/deep/golden.json").write_text(json.dumps(golden) + "\n")
