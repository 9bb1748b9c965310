# Writes src/onnx/autodiff/golden.json: layers, losses and optimisers of PyTorch, forward and backward, in the layout of this
# project (weights [inputs, outputs], the gate order of ONNX). Needs torch 2.15.0.
import json
import sys
from pathlib import Path

# A neighbour of this script is called as a module of Python that PyTorch needs.
sys.path.pop(0)

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

root = Path(__file__).resolve().parents[2]
generator = torch.Generator().manual_seed(20240611)
ROWS, STEPS, INPUTS, UNITS = 3, 4, 3, 2


def draw(*shape):
    return ((torch.rand(*shape, generator=generator) * 2 - 1) * 0.9).round(decimals=4).requires_grad_()


def gates(weight, order, count):
    """Rows of PyTorch's weight [gates units, inputs] from ours [inputs, gates units] (or of a bias), blocks in `order`."""
    blocks = (weight.t() if weight.dim() == 2 else weight).chunk(count)
    return torch.cat([blocks[at] for at in order])


def recurrent(module, order):
    count = len(order)

    def run(x, wx, wh, b, bh=None):
        zero = torch.zeros(count * UNITS)
        parameters = {
            "weight_ih_l0": gates(wx, order, count),
            "weight_hh_l0": gates(wh, order, count),
            "bias_ih_l0": gates(b, order, count),
            "bias_hh_l0": zero if bh is None else gates(bh, order, count),
        }
        return functional_call(module(INPUTS, UNITS), parameters, (x,))[0]

    shapes = [(STEPS, ROWS, INPUTS), (INPUTS, count * UNITS), (UNITS, count * UNITS), (count * UNITS,)]
    return run, [draw(*shape) for shape in shapes]


def attend(x, wi, bi, wo, bo):
    module = nn.MultiheadAttention(4, 2, batch_first=True)
    parameters = {"in_proj_weight": wi.t(), "in_proj_bias": bi, "out_proj.weight": wo.t(), "out_proj.bias": bo}
    return functional_call(module, parameters, (x, x, x), {"need_weights": False})[0]


target = torch.tensor([[0.5, -0.2], [1.0, 0.3], [-0.7, 2.0]])
classes = torch.tensor([1, 0, 1])
class_weights = torch.tensor([0.5, 2.0])
gru_run, gru_inputs = recurrent(nn.GRU, [1, 0, 2])
CASES = {
    "linear": (lambda x, w, b: F.linear(x, w.t(), b), [draw(ROWS, 4), draw(4, 2), draw(2)]),
    "layerNorm": (lambda x, g, b: F.layer_norm(x, (4,), g, b), [draw(ROWS, 4), draw(4), draw(4)]),
    "gelu": (F.gelu, [draw(ROWS, 4)]),
    "softmax": (lambda x: F.softmax(x, -1), [draw(ROWS, 4)]),
    "conv1d": (
        lambda x, w: F.conv1d(F.pad(x, (4, 0)), w, dilation=2, stride=2),
        [draw(2, 3, 9), draw(4, 3, 3)],
    ),
    "maxPool": (lambda x: F.max_pool1d(x, 3), [draw(2, 2, 6)]),
    "rnn": recurrent(nn.RNN, [0]),
    # PyTorch has reset before update; its cell is last but one in LSTM, where ONNX has output second.
    "gru": (gru_run, [*gru_inputs, draw(3 * UNITS)]),
    "lstm": recurrent(nn.LSTM, [0, 2, 3, 1]),
    "attention": (attend, [draw(2, 3, 4), draw(4, 12), draw(12), draw(4, 4), draw(4)]),
    "squaredError": (lambda p: F.mse_loss(p, target), [draw(3, 2)]),
    "huber": (lambda p: F.huber_loss(p, target, delta=0.5), [draw(3, 2)]),
    "binaryCrossEntropy": (
        lambda p: F.binary_cross_entropy_with_logits(p, torch.sigmoid(target)),
        [draw(3, 2)],
    ),
    "crossEntropy": (lambda p: F.cross_entropy(p, classes, weight=class_weights), [draw(3, 2)]),
}


def tensor(x):
    return {"shape": list(x.shape), "values": [float(v) for v in x.detach().ravel()]}


cases = {}
for name, (run, inputs) in CASES.items():
    output = run(*inputs)
    factors = torch.cos(torch.arange(output.numel(), dtype=torch.float32) * 1.3 + 0.4).reshape(output.shape)
    (output * factors).sum().backward()
    cases[name] = {
        "inputs": [tensor(x) for x in inputs],
        "output": tensor(output),
        "gradients": [tensor(x.grad) for x in inputs],
    }

# Ten steps on a fixed sequence of gradients: p follows sin(p + step).
RATE, DECAY = 0.05, 0.1
OPTIMISERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=RATE, weight_decay=DECAY),
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=DECAY),
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9, weight_decay=DECAY),
}
optimisers = {}
for name, make in OPTIMISERS.items():
    p = torch.tensor([0.3, -1.2, 2.0, 0.0], requires_grad=True)
    optimiser = make([p])
    for _ in range(10):
        optimiser.zero_grad()
        (-torch.cos(p)).sum().backward()
        nn.utils.clip_grad_norm_([p], 1.0)
        optimiser.step()
    optimisers[name] = [float(v) for v in p.detach()]

json.dump(
    {
        "source": f"PyTorch {torch.__version__.split('+')[0]}",
        "tolerance": 1e-5,
        "tolerance_why": "float32 on both sides, values below 4: sums of a few dozen products, and other forms of exp and tanh",
        "cases": cases,
        "optimisers": {"rate": RATE, "weight_decay": DECAY, "clip_norm": 1.0, "steps": 10, "start": [0.3, -1.2, 2.0, 0.0], "parameters": optimisers},
    },
    open(root / "src/onnx/autodiff/golden.json", "w"),
    indent=1,
)
