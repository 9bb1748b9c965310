// Hot path: one bar's inputs to a probability through ONNX Runtime, against the same formula in plain TypeScript.
// A regression of the one-row figure means more overhead around each prediction (checks, tensors, the event loop).
import { resolve } from 'node:path';
import { bench, do_not_optimize, group, run } from 'mitata';
import { logisticProbability } from '../../src/onnx/logistic.ts';
import { openModel } from '../../src/onnx/registry.ts';

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
console.log(`first prediction, library included: ${first}; provider ${session.provider.provider}`);

for (const rows of [1, 64, 1024, 16_384]) {
  const inputs = rowsOf(rows);
  group(`logistic, ${rows} x ${columns}`, () => {
    bench(`ONNX Runtime ${rows}`, async () => do_not_optimize(await session.predict(inputs, rows)));
    bench(`plain TypeScript ${rows}`, () => {
      const output = new Float32Array(rows);
      for (let i = 0; i < rows; i++) {
        output[i] = logisticProbability(parameters, inputs.subarray(i * columns, (i + 1) * columns));
      }
      return do_not_optimize(output);
    });
  });
}

const { benchmarks } = await run({ format: 'quiet' });
for (const { runs } of benchmarks) {
  for (const { name, stats } of runs) {
    if (!stats) continue;
    const us = (ns: number) => (ns / 1000).toFixed(2).padStart(10);
    console.log(`${name.padEnd(24)} p50 ${us(stats.p50)} us   p99 ${us(stats.p99)} us`);
  }
}
await session.close();
