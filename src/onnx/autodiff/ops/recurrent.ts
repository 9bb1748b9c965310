// Recurrent layers over x [steps, rows, inputs], hidden states [steps, rows, units] out, from a state of zeros. A served graph
// runs ONNX's own operator; training runs a Scan forward, keeps what it saw, and a second Scan goes back.
import { ShapeMismatchError } from '../../../core/errors.ts';
import type { AttributeSpec } from '../../graph.ts';
import { scan } from '../scan.ts';
import { record, type Tape, type Tensor } from '../tape.ts';
import { sigmoid, tanh } from './activations.ts';
import { add, mul, sub } from './arithmetic.ts';
import { linear } from './linear.ts';
import { concat, reshape, slice, split, sum, transpose } from './shapes.ts';

/** Weights of a layer: `input` [inputs, gates * units], `hidden` [units, gates * units], `bias` [gates * units]. */
export interface RecurrentWeights {
  readonly input: Tensor;
  readonly hidden: Tensor;
  readonly bias: Tensor;
}

function unitsOf(x: Tensor, { input, hidden, bias }: RecurrentWeights, gates: number): number {
  const units = hidden.shape[0]!;
  const width = gates * units;
  const fits = x.rank === 3 && input.shape[0] === x.shape[2] && input.shape[1] === width;
  if (!fits || hidden.shape[1] !== width || String(bias.shape) !== String(width)) {
    throw new ShapeMismatchError(
      `Expected [steps, rows, inputs], [inputs, ${gates} units], [units, ${gates} units] and [${gates} units], ` +
        `was [${x.shape}], [${input.shape}], [${hidden.shape}] and [${bias.shape}]`,
    );
  }
  return units;
}

/** Returns the layer as the ONNX operator `op`: the one form of all three, with weights as that operator wants them. */
function served(
  op: 'RNN' | 'GRU' | 'LSTM',
  x: Tensor,
  { input, hidden, bias }: RecurrentWeights,
  hiddenBias: Tensor | undefined,
  attributes: Readonly<Record<string, AttributeSpec>> = {},
): Tensor {
  const { tape } = x;
  const units = hidden.shape[0]!;
  const turned = (weight: Tensor) =>
    reshape(transpose(weight, [1, 0]), [1, weight.shape[1]!, weight.shape[0]!]);
  const zeros = tape.constant(bias.shape, new Float32Array(bias.size));
  const both = reshape(concat([bias, hiddenBias ?? zeros], 0), [1, 2 * bias.size]);
  const [steps, rows] = x.shape as [number, number];
  const all = { hidden_size: { int: units }, ...attributes };
  const y = tape.emit(op, [x, turned(input), turned(hidden), both], [steps, 1, rows, units], all);
  return tape.emit('Squeeze', [y, tape.integers([1])], [steps, rows, units]);
}

/** Returns the items one step later, zeros first: what each step found of the step before. */
function before(stacked: Tensor): Tensor {
  const { tape, shape } = stacked;
  const zeros = tape.zeros([1, ...shape.slice(1)]);
  return shape[0] === 1 ? zeros : concat([zeros, slice(stacked, 0, 0, shape[0]! - 1)], 0);
}

/**
 * Returns what a Scan back through time starts from and reads: the gradient of the last step as its state, and of the
 * step before as each step's item, so that one product adds it.
 */
function backFrom(dy: Tensor): { readonly last: Tensor; readonly earlier: Tensor } {
  const [steps, ...row] = dy.shape as [number, ...number[]];
  return { last: reshape(slice(dy, 0, steps - 1, steps), row), earlier: before(dy) };
}

/** Returns a matrix product with an addition: a transpose(b) + c. */
function backProduct(inner: Tape, a: Tensor, b: Tensor, c: Tensor): Tensor {
  return inner.emit('Gemm', [a, b, c], c.shape, { transB: { int: 1 } });
}

/** Returns transpose(a) b over all steps: the gradient of a weight that each step used. */
function overSteps(a: Tensor, b: Tensor): Tensor {
  const flat = (x: Tensor) => reshape(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!]);
  const shape = [a.shape[2]!, b.shape[2]!];
  return a.tape.emit('Gemm', [flat(a), flat(b)], shape, { transA: { int: 1 } });
}

function biasGradient(d: Tensor): Tensor {
  return reshape(sum(d, [0, 1]), [d.shape[2]!]);
}

/** Returns the states of a plain recurrent layer: h = tanh(x input + h hidden + bias). */
export function rnn(x: Tensor, weights: RecurrentWeights): Tensor {
  const units = unitsOf(x, weights, 1);
  const { tape } = x;
  if (tape.serving) return served('RNN', x, weights, undefined);
  const projected = linear(x, weights.input, weights.bias);
  const { hidden } = weights;
  const [h] = scan(
    tape,
    { states: [tape.zeros([x.shape[1]!, units])], sequences: [projected] },
    (inner, [state], [item]) => {
      const next = inner.emit(
        'Tanh',
        [inner.emit('Gemm', [state!, hidden, item!], item!.shape)],
        item!.shape,
      );
      return { states: [next], outputs: [next] };
    },
  ).outputs as [Tensor];
  return record([projected, hidden], h, (dy) => {
    const { last, earlier } = backFrom(dy);
    const slope = sub(tape.scalar(1), mul(h, h));
    const [d] = scan(
      tape,
      { states: [last], sequences: [slope, earlier], reverse: true },
      (inner, [dh], [slope, earlier]) => {
        const d = inner.emit('Mul', [dh!, slope!], slope!.shape);
        return { states: [backProduct(inner, d, hidden, earlier!)], outputs: [d] };
      },
    ).outputs as [Tensor];
    return [() => d, () => overSteps(before(h), d)];
  });
}

/**
 * Returns the states of a gated recurrent unit; the gates stand in the order update z, reset r, candidate n:
 * n = tanh(x_n + r (h hidden_n + hiddenBias_n)), h' = (1 - z) n + z h. Source: Cho et al. (2014), in the form with the
 * reset after the product.
 */
export function gru(x: Tensor, weights: RecurrentWeights & { readonly hiddenBias: Tensor }): Tensor {
  const units = unitsOf(x, weights, 3);
  const { tape } = x;
  const { hidden, hiddenBias } = weights;
  if (tape.serving) return served('GRU', x, weights, hiddenBias, { linear_before_reset: { int: 1 } });
  const rows = x.shape[1]!;
  const projected = linear(x, weights.input, weights.bias);
  const [h, gates, candidate, inward] = tape.untracked(() => {
    const parts = split(projected, 2, [2 * units, units]);
    return scan(
      tape,
      { states: [tape.zeros([rows, units])], sequences: parts },
      (inner, [state], [forGates, forCandidate]) => {
        const product = inner.emit('Gemm', [state!, hidden, hiddenBias], [rows, 3 * units]);
        const [ofGates, ofCandidate] = split(product, 1, [2 * units, units]) as [Tensor, Tensor];
        const gates = sigmoid(add(forGates!, ofGates));
        const [z, r] = split(gates, 1, [units, units]) as [Tensor, Tensor];
        const n = tanh(add(forCandidate!, mul(r, ofCandidate)));
        const next = add(n, mul(z, sub(state!, n)));
        return { states: [next], outputs: [next, gates, n, ofCandidate] };
      },
    ).outputs as [Tensor, Tensor, Tensor, Tensor];
  });
  return record([projected, hidden, hiddenBias], h, (dy) => {
    const { last, earlier } = backFrom(dy);
    const earlierH = before(h);
    const one = tape.scalar(1);
    const [z, r] = split(gates, 2, [units, units]) as [Tensor, Tensor];
    // Every gate's gradient is dh times a factor that is known before the Scan back begins.
    const factorN = mul(sub(one, z), sub(one, mul(candidate, candidate)));
    const slopes = mul(gates, sub(one, gates));
    const factorZR = mul(concat([sub(earlierH, candidate), mul(factorN, inward)], 2), slopes);
    const steps = x.shape[0]!;
    const threefold = (n: Tensor) => reshape(concat([factorZR, n], 2), [steps, rows, 3, units]);
    const forHidden = threefold(mul(factorN, r));
    const [dh, dHidden] = scan(
      tape,
      { states: [last], sequences: [forHidden, z, earlier], reverse: true },
      (inner, [dh], [factor, z, earlier]) => {
        const d = reshape(mul(factor!, reshape(dh!, [rows, 1, units])), [rows, 3 * units]);
        return { states: [backProduct(inner, d, hidden, add(mul(dh!, z!), earlier!))], outputs: [dh!, d] };
      },
    ).outputs as [Tensor, Tensor];
    return [
      () => reshape(mul(threefold(factorN), reshape(dh, [steps, rows, 1, units])), [steps, rows, 3 * units]),
      () => overSteps(earlierH, dHidden),
      () => biasGradient(dHidden),
    ];
  });
}

/**
 * Returns the states of a long short-term memory; the gates stand in the order input i, output o, forget f, cell g:
 * c' = f c + i g, h' = o tanh(c'). Source: Hochreiter and Schmidhuber (1997), Gers et al. (2000).
 */
export function lstm(x: Tensor, weights: RecurrentWeights): Tensor {
  const units = unitsOf(x, weights, 4);
  const { tape } = x;
  if (tape.serving) return served('LSTM', x, weights, undefined);
  const { hidden } = weights;
  const rows = x.shape[1]!;
  const projected = linear(x, weights.input, weights.bias);
  const state = tape.zeros([rows, units]);
  const [h, c, gates, cell] = scan(
    tape,
    { states: [state, state], sequences: [projected] },
    (inner, [h, c], [item]) => {
      const product = inner.emit('Gemm', [h!, hidden, item!], item!.shape);
      const [forGates, forCell] = split(product, 1, [3 * units, units]) as [Tensor, Tensor];
      const gates = sigmoid(forGates);
      const cell = tanh(forCell);
      const [i, o, f] = split(gates, 1, [units, units, units]) as [Tensor, Tensor, Tensor];
      const nextC = add(mul(f, c!), mul(i, cell));
      const next = mul(o, tanh(nextC));
      return { states: [next, nextC], outputs: [next, nextC, gates, cell] };
    },
  ).outputs as [Tensor, Tensor, Tensor, Tensor];
  return record([projected, hidden], h, (dy) => {
    const { last, earlier } = backFrom(dy);
    const one = tape.scalar(1);
    const [i, o, f] = split(gates, 2, [units, units, units]) as [Tensor, Tensor, Tensor];
    const bounded = tanh(c);
    const factorGates = mul(concat([cell, bounded, before(c)], 2), mul(gates, sub(one, gates)));
    const factors = concat([factorGates, mul(i, sub(one, mul(cell, cell)))], 2);
    const toCell = mul(o, sub(one, mul(bounded, bounded)));
    const [d] = scan(
      tape,
      { states: [last, state], sequences: [factors, toCell, f, earlier], reverse: true },
      (inner, [dh, dc], [factor, toCell, f, earlier]) => {
        const dCell = add(dc!, mul(dh!, toCell!));
        const d = mul(concat([dCell, dh!, dCell, dCell], 1), factor!);
        return { states: [backProduct(inner, d, hidden, earlier!), mul(dCell, f!)], outputs: [d] };
      },
    ).outputs as [Tensor];
    return [() => d, () => overSteps(before(h), d)];
  });
}
