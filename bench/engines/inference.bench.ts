// Hot path: one bar's inputs to a probability through ONNX Runtime, against the same formula in plain TypeScript.
// A regression of the one-row figure means more overhead around each prediction (checks, tensors, the event loop).
import { resolve } from 'node:path';
import { bench, do_not_optimize, group, run } from 'mitata';
import { logisticProbability } from '../../src/onnx/logistic.ts';
import { openModel } from '../../src/onnx/registry.ts';
import { formatNs } from '../pairs.ts';
import { publish } from '../report.ts';

const started = performance.now();
const residentBefore = process.memoryUsage().rss;
const { card, session } = await openModel(resolve(import.meta.dir, '../../models'), 'btc-direction-15m');
const { mean, std, coefficients, intercept } = card.parameters as Record<string, number[]> & {
  intercept: never;
};
const parameters = {
  inputNames: card.inputs.map((input) => input.name),
  mean: mean!,
  std: std!,
  coefficients: coefficients!,
  intercept: intercept as number,
};
const columns = session.input.columns;
const rowsOf = (rows: number) =>
  Float32Array.from(
    { length: rows * columns },
    (_, i) => mean![i % columns]! + std![i % columns]! * Math.sin(i * 1.7),
  );
await session.predict(rowsOf(1), 1);
const first = `${(performance.now() - started).toFixed(0)} ms, ${((process.memoryUsage().rss - residentBefore) / 2 ** 20).toFixed(0)} MiB resident`;

for (const rows of [1, 64, 1024, 16_384]) {
  const inputs = rowsOf(rows);
  group(`logistic, ${rows} x ${columns}`, () => {
    bench(`ONNX Runtime, ${rows} rows`, async () => do_not_optimize(await session.predict(inputs, rows)));
    bench(`plain TypeScript, ${rows} rows`, () => {
      const output = new Float32Array(rows);
      for (let i = 0; i < rows; i++) {
        output[i] = logisticProbability(parameters, inputs.subarray(i * columns, (i + 1) * columns));
      }
      return do_not_optimize(output);
    });
  });
}

const { benchmarks } = await run({ format: 'quiet' });
const table = benchmarks.flatMap(({ runs }) =>
  runs.flatMap(({ name, stats }) => (stats ? [[name, formatNs(stats.p50), formatNs(stats.p99)]] : [])),
);
publish({
  title: 'Inference',
  note: `First prediction, library included: ${first}; provider ${session.provider.provider}, ${columns} inputs. A slower single row means more overhead around each prediction.`,
  columns: ['case', 'p50', 'p99'],
  rows: table,
});
await session.close();
