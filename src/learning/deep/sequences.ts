// Rows as sequences: columns are steps x features, the features of one step beside each other.
import { gru, lstm, reshape, rnn, slice, transpose } from '../../onnx/autodiff/ops.ts';
import type { Tensor } from '../../onnx/autodiff/tape.ts';
import type { Builder } from '../../onnx/training/network.ts';
import { spread } from './layers.ts';

/** Returns rows [rows, steps x features] as [rows, steps, features]. */
export function asSteps(inputs: Tensor, steps: number): Tensor {
  return reshape(inputs, [inputs.shape[0]!, steps, inputs.shape[1]! / steps]);
}

/** Returns rows as [steps, rows, features], the order in which recurrent layers read. */
export function timeFirst(inputs: Tensor, steps: number): Tensor {
  return transpose(asSteps(inputs, steps), [1, 0, 2]);
}

/** Returns the last step of [steps, rows, units] as [rows, units]. */
export function lastStep(states: Tensor): Tensor {
  const [steps, rows, units] = states.shape as [number, number, number];
  return reshape(slice(states, 0, steps - 1, steps), [rows, units]);
}

/** Recurrent cells by name. */
export type Cell = 'rnn' | 'gru' | 'lstm';

/** Gates of a cell: how many times its units its weights are wide. */
const GATES: Readonly<Record<Cell, number>> = { rnn: 1, gru: 3, lstm: 4 };

/** Returns the states of one recurrent layer over x [steps, rows, inputs]; weights start as in PyTorch. */
export function recurrent(builder: Builder, name: string, cell: Cell, x: Tensor, units: number): Tensor {
  const inputs = x.shape[2]!;
  const width = GATES[cell] * units;
  const start = spread(units);
  const weights = {
    input: builder.parameter(`${name}/input`, [inputs, width], start),
    hidden: builder.parameter(`${name}/hidden`, [units, width], start),
    bias: builder.parameter(`${name}/bias`, [width], start),
  };
  if (cell === 'rnn') return rnn(x, weights);
  if (cell === 'lstm') return lstm(x, weights);
  return gru(x, { ...weights, hiddenBias: builder.parameter(`${name}/hidden_bias`, [width], start) });
}
