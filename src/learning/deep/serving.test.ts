import { describe, expect, test } from 'bun:test';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { Tape } from '../../onnx/autodiff/tape.ts';
import { encodeModel } from '../../onnx/graph.ts';
import { SERVING_OPERATORS } from '../../onnx/operators.ts';
import { initialValues, planNetwork, servingBuilder } from '../../onnx/training/network.ts';
import { normals } from '../../onnx/training/test-job.ts';
import { serveNetwork } from './fit.ts';
import { serve } from './test-kit.ts';
import { COLUMNS, networks, widthOf } from './test-networks.ts';

const ROWS = 7;

describe('the served graph of a network', () => {
  for (const [name, network] of Object.entries(networks)) {
    const width = widthOf(name);
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
