# The rival that trains networks: PyTorch on the CPU. Reads one JSON request a line ({"network", "steps"}), goes that many steps
# on, and answers with {"ns", "value"}: their time, and their mean loss. The networks, data and optimiser are those of
# bench/learning/networks.bench.ts; Adam is PyTorch's fused one, its fastest on a CPU. With "start" (parameters by name, in the layout of
# the bench: weights [inputs, outputs], gates in the order of ONNX) a network begins anew from these values, without dropout, and
# "batches" names the rows of each step: both sides then do the same arithmetic. "fresh" begins anew as PyTorch does.
import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.manual_seed(1)
SEQUENCES, STEPS, FEATURES, UNITS = 4096, 30, 16, 64
HEADS, DROPOUT = 4, 0.1
# Blocks of ONNX in the order of PyTorch: of GRU reset is first, of LSTM the cell is last but one.
GATES = {"gru": [1, 0, 2], "lstm": [0, 2, 3, 1]}


def uniforms(count, salt):
    """Numbers in [0, 1) that look random, by the formula of the bench."""
    x = np.sin((np.arange(count, dtype=np.float64) + salt) * 12.9898) * 43758.5453
    return (x - np.floor(x)).astype(np.float32)


def rows_data():
    x = uniforms(20000 * 64, 1).reshape(20000, 64) * 2 - 1
    pairs = x[:, :20:2] * x[:, 1:20:2]
    return torch.from_numpy(x), torch.from_numpy(pairs.argmax(1)), F.cross_entropy


def sequence_data():
    x = uniforms(SEQUENCES * STEPS * FEATURES, 2).reshape(SEQUENCES, STEPS, FEATURES) * 2 - 1
    y = np.tanh((x[:, :, 0] * np.arange(STEPS, dtype=np.float32) / STEPS).sum(1) / 2)
    return torch.from_numpy(x), torch.from_numpy(y)[:, None], F.mse_loss


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.out = layer(FEATURES, UNITS, batch_first=True), nn.Linear(UNITS, 1)

    def forward(self, x):
        return self.out(self.layer(x)[0][:, -1])


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dropout = DROPOUT
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.input, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        rows, steps, width = x.shape
        q, k, v = self.input(self.first(x)).view(rows, steps, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(rows, steps, width)
        x = x + F.dropout(self.output(mixed), self.dropout)
        return x + F.dropout(self.narrow(F.gelu(self.wide(self.second(x)))), self.dropout)


class Transformer(nn.Module):
    def __init__(self, width=UNITS):
        super().__init__()
        self.embedding = nn.Linear(FEATURES, width)
        self.positions = nn.Parameter(torch.randn(STEPS, width) * 0.02)
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, 1)

    def forward(self, x):
        return self.out(self.norm(self.blocks(self.embedding(x) + self.positions)[:, -1]))


def mlp():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


NETWORKS = {
    "mlp": (mlp, rows_data, 256),
    "gru": (lambda: Recurrent(nn.GRU), sequence_data, 64),
    "lstm": (lambda: Recurrent(nn.LSTM), sequence_data, 64),
    "transformer": (Transformer, sequence_data, 64),
}
running = {}


def begin_with(name, network, start):
    """Sets the parameters of a network to those of the bench, and takes dropout out."""
    values = {own["name"]: torch.tensor(own["values"]).reshape(own["shape"]) for own in start}

    def line(layer, own):
        layer.weight.copy_(values[f"{own}/weight"].t())
        layer.bias.copy_(values[f"{own}/bias"])

    def norm(layer, own):
        layer.weight.copy_(values[f"{own}/gain"])
        layer.bias.copy_(values[f"{own}/bias"])

    def gates(own):
        blocks = (own.t() if own.dim() == 2 else own).chunk(len(GATES[name]))
        return torch.cat([blocks[at] for at in GATES[name]])

    with torch.no_grad():
        if name == "mlp":
            for at, own in enumerate(["layer_0", "layer_1", "output"]):
                line(network[2 * at], own)
        elif name in GATES:
            layer = network.layer
            layer.weight_ih_l0.copy_(gates(values["layer_0/input"]))
            layer.weight_hh_l0.copy_(gates(values["layer_0/hidden"]))
            layer.bias_ih_l0.copy_(gates(values["layer_0/bias"]))
            if name == "gru":
                layer.bias_hh_l0.copy_(gates(values["layer_0/hidden_bias"]))
            else:
                # PyTorch has two biases that are added, the bench one.
                layer.bias_hh_l0.zero_().requires_grad_(False)
            line(network.out, "output")
        else:
            line(network.embedding, "embedding")
            network.positions.copy_(values["positions"])
            for at, block in enumerate(network.blocks):
                block.dropout = 0.0
                norm(block.first, f"layer_{at}/attention/norm")
                block.input.weight.copy_(values[f"layer_{at}/attention/input"].t())
                block.input.bias.copy_(values[f"layer_{at}/attention/input_bias"])
                block.output.weight.copy_(values[f"layer_{at}/attention/output"].t())
                block.output.bias.copy_(values[f"layer_{at}/attention/output_bias"])
                norm(block.second, f"layer_{at}/forward/norm")
                line(block.wide, f"layer_{at}/forward/wide")
                line(block.narrow, f"layer_{at}/forward/narrow")
            norm(network.norm, "norm")
            line(network.out, "output")


def start(name, given):
    make, data, batch = NETWORKS[name]
    x, y, loss = data()
    network = make()
    if given:
        begin_with(name, network, given)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3, fused=True)
    order = torch.empty(0, dtype=torch.int64)

    def step(rows=None):
        nonlocal order
        if rows is None:
            if len(order) < batch:
                order = torch.randperm(len(x))
            rows, order = order[:batch], order[batch:]
        optimiser.zero_grad()
        error = loss(network(x[rows]), y[rows])
        error.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        return error.detach()

    return step


print(json.dumps({"Python": sys.version.split()[0], "PyTorch": torch.__version__.split("+")[0]}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        name = request["network"]
        given = request.get("start")
        if given or request.get("fresh") or name not in running:
            running[name] = start(name, given)
        step = running[name]
        batches = [torch.tensor(rows) for rows in request.get("batches", [])] or [None] * request["steps"]
        before = time.perf_counter_ns()
        losses = [step(rows) for rows in batches]
        took = time.perf_counter_ns() - before
        value = float(torch.stack(losses).mean()) if losses else None
        print(json.dumps({"ns": took, "value": value}), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
