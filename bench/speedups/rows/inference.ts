// Inference: rows through the model of the registry, many at once and one alone.
import { resolve } from 'node:path';
import type { LogisticParameters } from '../../../src/onnx/logistic.ts';
import { openModel } from '../../../src/onnx/registry.ts';
import { foldLogistic, logisticRows } from '../../baseline/logistic.ts';
import { type Bench, measure, mustAgree, type RowResult, rival } from '../measure.ts';

async function inference(bench: Bench, rows: number): Promise<RowResult> {
  const { card, session } = await openModel(resolve(import.meta.dir, '../../../models'), 'btc-direction-15m');
  try {
    const parameters = card.parameters as unknown as Omit<LogisticParameters, 'inputNames'>;
    const fitted: LogisticParameters = { inputNames: card.inputs.map(({ name }) => name), ...parameters };
    const folded = foldLogistic(fitted);
    const columns = session.input.columns;
    const inputs = Float32Array.from(
      { length: rows * columns },
      (_, at) => fitted.mean[at % columns]! + fitted.std[at % columns]! * Math.sin(at * 1.7),
    );
    const plain = new Float32Array(rows);
    logisticRows(folded, inputs, plain);
    mustAgree('probability', (await session.predict(inputs, rows)).at(-1)!, plain.at(-1)!, 1e-5);
    const { provider } = session.provider;
    const measurements = await measure(bench, {
      workload: `${rows.toLocaleString('en-US')} row${rows > 1 ? 's' : ''} of ${columns} inputs through ${card.model_id}, f32`,
      now: () => session.predict(inputs, rows),
      before: () => logisticRows(folded, inputs, plain),
      rivals: [rival(bench, 'NumPy', '', 'logistic', { rows, columns })],
    });
    return {
      note: `The model is a logistic regression, the only one that ships; theirs is another. Before: its formula in a loop. Now: what the ML engine calls, ONNX Runtime (${provider}), inputs checked. For a model this small the formula costs less than any runtime around it: a ratio below 1 is expected, and grows with the model.`,
      measurements,
    };
  } finally {
    await session.close();
  }
}

export const inference10k = (bench: Bench) => inference(bench, 10_000);
export const realtimePrediction = (bench: Bench) => inference(bench, 1);
