// A small network of each family with its first random weights, as tests of served graphs want them.

import { Tape } from '../../onnx/autodiff/tape.ts';
import type { ModelSpec } from '../../onnx/graph.ts';
import { initialValues, planNetwork } from '../../onnx/training/network.ts';
import { autoencoder, lstmAutoencoder } from './families/autoencoder.ts';
import { cnn } from './families/cnn.ts';
import { mlp } from './families/mlp.ts';
import { gru, lstm, rnn } from './families/recurrent.ts';
import { transformer } from './families/transformer.ts';
import { type Network, serveNetwork } from './fit.ts';

/** Columns of their inputs. */
export const COLUMNS = 12;
const sequence = { steps: 4, dropout: 0.3 };

/** Networks by the name of their family. */
export const networks: Readonly<Record<string, Network>> = {
  mlp: mlp.network(mlp.options.parse({ hidden: [8], activation: 'gelu', dropout: 0.3 }), COLUMNS),
  rnn: rnn.network(rnn.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  gru: gru.network(gru.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  lstm: lstm.network(lstm.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  transformer: transformer.network(transformer.options.parse({ ...sequence, width: 8, heads: 2 }), COLUMNS),
  cnn: cnn.network(cnn.options.parse({ ...sequence, channels: [4, 6] }), COLUMNS),
  autoencoder: autoencoder.network(autoencoder.options.parse({ hidden: [6] }), COLUMNS),
  lstm_autoencoder: lstmAutoencoder.network(lstmAutoencoder.options.parse({ steps: 4, units: 5 }), COLUMNS),
};

/** Numbers that a network gives for each row. */
export const widthOf = (name: string): number => (name.endsWith('autoencoder') ? COLUMNS : 3);

/** Returns the served graph of a network with the weights of a seed. */
export function servedNetwork(name: string, seed: number): ModelSpec {
  const network = networks[name]!;
  const width = widthOf(name);
  const scratch = new Tape();
  const plan = planNetwork(scratch, (builder) =>
    network(builder, scratch.input('input', [7, COLUMNS]), width),
  );
  const about = { columns: COLUMNS, width, metadata: { family: name } };
  return serveNetwork(plan, initialValues(plan, seed), about, (builder, x) => network(builder, x, width));
}
