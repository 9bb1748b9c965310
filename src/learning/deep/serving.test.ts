import { describe, expect, test } from 'bun:test';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { Tape } from '../../onnx/autodiff/tape.ts';
import { encodeModel } from '../../onnx/graph.ts';
import { SERVING_OPERATORS } from '../../onnx/operators.ts';
import { initialValues, planNetwork, servingBuilder } from '../../onnx/training/network.ts';
import { normals } from '../../onnx/training/test-job.ts';
import { autoencoder, lstmAutoencoder } from './families/autoencoder.ts';
import { cnn } from './families/cnn.ts';
import { mlp } from './families/mlp.ts';
import { gru, lstm, rnn } from './families/recurrent.ts';
import { transformer } from './families/transformer.ts';
import { type Network, serveNetwork } from './fit.ts';
import { serve } from './test-kit.ts';

const ROWS = 7;
const COLUMNS = 12;
const sequence = { steps: 4, dropout: 0.3 };

const networks: Readonly<Record<string, Network>> = {
  mlp: mlp.network(mlp.options.parse({ hidden: [8], activation: 'gelu', dropout: 0.3 }), COLUMNS),
  rnn: rnn.network(rnn.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  gru: gru.network(gru.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  lstm: lstm.network(lstm.options.parse({ ...sequence, units: 5, layers: 2 }), COLUMNS),
  transformer: transformer.network(transformer.options.parse({ ...sequence, width: 8, heads: 2 }), COLUMNS),
  cnn: cnn.network(cnn.options.parse({ ...sequence, channels: [4, 6] }), COLUMNS),
  autoencoder: autoencoder.network(autoencoder.options.parse({ hidden: [6] }), COLUMNS),
  lstm_autoencoder: lstmAutoencoder.network(lstmAutoencoder.options.parse({ steps: 4, units: 5 }), COLUMNS),
};

describe('the served graph of a network', () => {
  for (const [name, network] of Object.entries(networks)) {
    const width = name.endsWith('autoencoder') ? COLUMNS : 3;
    const scratch = new Tape();
    const plan = planNetwork(scratch, (builder) =>
      network(builder, scratch.input('input', [ROWS, COLUMNS]), width),
    );
    const values = initialValues(plan, 4);
    const inputs = normals(ROWS * COLUMNS, 8);

    test(`${name} gives what its training graph gives, without dropout`, async () => {
      const tape = new Tape();
      const input = tape.input('input', [ROWS, COLUMNS]);
      const output = network(servingBuilder(plan, tape, values), input, width);
      const session = await InferenceSession.create(
        encodeModel({ graph: tape.graph('forward', [input], [output]) }),
      );
      const results = await session.run({ input: new OrtTensor('float32', inputs, [ROWS, COLUMNS]) });
      const trained = results[output.name]!.data as Float32Array;
      await session.release();

      const about = { columns: COLUMNS, width, metadata: { family: name } };
      const model = serveNetwork(plan, values, about, (builder, x) => network(builder, x, width));
      const served = await serve({ model, history: [], facts: {} }, inputs, ROWS);
      expect(served).toHaveLength(ROWS * width);
      for (const [i, value] of served.entries()) {
        // Recurrent operators have their own sigmoid and tanh, which differ in the last bits of values below 1.
        expect(Math.abs(value - trained[i]!)).toBeLessThan(2e-6);
      }
      expect(model.graph.nodes.filter(({ op }) => !SERVING_OPERATORS.has(op))).toEqual([]);
    });

    test(`${name} reads each row alone`, async () => {
      const about = { columns: COLUMNS, width, metadata: { family: name } };
      const model = serveNetwork(plan, values, about, (builder, x) => network(builder, x, width));
      const fitted = { model, history: [], facts: {} };
      const all = await serve(fitted, inputs, ROWS);
      const third = await serve(fitted, inputs.slice(2 * COLUMNS, 3 * COLUMNS), 1);
      for (const [i, value] of third.entries())
        expect(Math.abs(value - all[2 * width + i]!)).toBeLessThan(2e-6);
    });
  }
});
