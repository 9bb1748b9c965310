// Inference: rows through served models, many at once and one alone over HTTP.
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LogisticParameters } from '../../../src/onnx/logistic.ts';
import { openModel } from '../../../src/onnx/registry.ts';
import { foldLogistic, logisticRows } from '../../baseline/logistic.ts';
import { PlainMlp } from '../../baseline/mlp.ts';
import { post, startEngine, startServer } from '../../serving/client.ts';
import {
  modelsDirectory,
  QUICK,
  rowsOf,
  SMALL_NETWORK,
  SMALL_WIDTHS,
  smallParameters,
} from '../../serving/models.ts';
import { openPredictor } from '../../serving/predictor.ts';
import { type Bench, measure, mustAgree, mustAgreeWith, type RowResult, rival } from '../measure.ts';
import type { Measurement } from '../results.ts';

const ROWS = 10_000;
const LONG = { timeoutMs: 60_000 };

export async function inference10k(bench: Bench): Promise<RowResult> {
  const directory = await modelsDirectory();
  const { models, predictor, close } = openPredictor(directory);
  try {
    const model = await models.get(SMALL_NETWORK, 'cpu', LONG);
    const bare = await openModel(directory, SMALL_NETWORK);
    const plain = new PlainMlp(SMALL_WIDTHS, smallParameters());
    const values = Float32Array.from(rowsOf(ROWS).flat());
    const columns = values.length / ROWS;
    const one = values.slice(0, columns);
    const out = new Float32Array(ROWS);
    const now = () => predictor.predict(model, { values, count: ROWS }, LONG);
    const { output, where } = await now();
    plain.predict(values, ROWS, out);
    mustAgree('forecast', output.at(-1)!, out.at(-1)!, 1e-4);
    await mustAgreeWith(bench, 'network_sklearn', { rows: ROWS }, output.at(-1)!, 1e-4);
    const measurements = await measure(bench, {
      workload: `${ROWS.toLocaleString('en-US')} rows through a served network ${SMALL_WIDTHS.join('-')} with ReLU, f32`,
      now,
      before: () => plain.predict(values, ROWS, out),
      rivals: [
        {
          name: 'a call of ONNX Runtime for each row',
          side: async () => {
            for (let row = 0; row < ROWS; row++) await bare.session.predict(one, 1);
          },
        },
        rival(bench, 'scikit-learn', '', 'network_sklearn', { rows: ROWS }),
      ],
    });
    await bare.session.close();
    return {
      note: `Before: row by row in loops over typed arrays. Now: what the routes of predictions call, limits and deadline included (${where}). The smallest model comes last: for a logistic regression of seven inputs a formula in a loop costs less than any runtime around it.`,
      measurements: [...measurements, ...(await logisticRegression(bench))],
    };
  } finally {
    await close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The committed model, whose formula is a dozen operations. */
async function logisticRegression(bench: Bench): Promise<Measurement[]> {
  const { card, session } = await openModel(resolve(import.meta.dir, '../../../models'), QUICK);
  try {
    const parameters = card.parameters as unknown as Omit<LogisticParameters, 'inputNames'>;
    const fitted: LogisticParameters = { inputNames: card.inputs.map(({ name }) => name), ...parameters };
    const folded = foldLogistic(fitted);
    const columns = session.input.columns;
    const inputs = Float32Array.from(
      { length: ROWS * columns },
      (_, at) => fitted.mean[at % columns]! + fitted.std[at % columns]! * Math.sin(at * 1.7),
    );
    const plain = new Float32Array(ROWS);
    logisticRows(folded, inputs, plain);
    mustAgree('probability', (await session.predict(inputs, ROWS)).at(-1)!, plain.at(-1)!, 1e-5);
    return await measure(bench, {
      workload: `${ROWS.toLocaleString('en-US')} rows of ${columns} inputs through ${card.model_id}, a logistic regression, in a bare session, f32`,
      now: () => session.predict(inputs, ROWS),
      before: () => logisticRows(folded, inputs, plain),
      rivals: [rival(bench, 'NumPy', '', 'logistic', { rows: ROWS, columns })],
    });
  } finally {
    await session.close();
  }
}

/** Requests of one sample, one after the other. */
const REQUESTS = 50;

export async function realtimePrediction(bench: Bench): Promise<RowResult> {
  const directory = await modelsDirectory();
  const engine = await startEngine(directory);
  const plain = await startServer(join(import.meta.dir, '../../baseline/predict-server.ts'), []);
  const python = await startPython();
  try {
    let asked = 0;
    const side = (url: string) => async () => {
      for (let i = 0; i < REQUESTS; i++)
        await post(url, '/predict', { model_id: SMALL_NETWORK, inputs: rowsOf(1, asked++) });
    };
    const answer = async (url: string) => {
      const { predictions } = await post(url, '/predict', { model_id: SMALL_NETWORK, inputs: rowsOf(1, 5) });
      return predictions[0]!;
    };
    const ours = await answer(engine.url);
    mustAgree('forecast', ours, await answer(plain.url), 1e-4);
    if (python) mustAgree('forecast', ours, await answer(python.url), 1e-4);
    const scikit = python && {
      name: `scikit-learn ${bench.rivals?.versions['scikit-learn'] ?? ''} behind Python's http.server`,
      side: perRequest(side(python.url)),
    };
    return {
      note: `Over a kept-alive connection, the client on the same machine; each sample is the mean of ${REQUESTS} requests, each sent when the one before was answered. Before: a bare HTTP server that parses JSON, runs the network in loops and does nothing else. Now: \`POST /predict\` of the ML engine, with request id, checked body, limits, deadline and metrics, so that a ratio below 1 is what those cost.`,
      measurements: await measure(bench, {
        workload: `One row through a served network ${SMALL_WIDTHS.join('-')}, by HTTP`,
        now: perRequest(side(engine.url)),
        before: perRequest(side(plain.url)),
        beforeName: 'a bare HTTP server in TypeScript',
        rivals: [scikit],
      }),
    };
  } finally {
    await Promise.all([engine.stop(), plain.stop(), python?.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

const perRequest = (run: () => Promise<void>) => ({
  measureNs: async () => {
    const start = Bun.nanoseconds();
    await run();
    return (Bun.nanoseconds() - start) / REQUESTS;
  },
});

/** Returns the rival's server, null where no Python has scikit-learn. */
async function startPython() {
  const folder = join(import.meta.dir, '../../rivals');
  const installed = join(folder, '.venv/bin/python');
  const named = process.env.NAUTILUS_BENCH_PYTHON ?? (existsSync(installed) ? installed : 'python3');
  const found = Bun.which(named);
  if (!found) return null;
  const child = Bun.spawn([found, join(folder, 'predict_server.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const { value } = await child.stdout.getReader().read();
  if (value === undefined) return null;
  return {
    url: `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`,
    async stop() {
      child.stdin.end();
      await child.exited;
    },
  };
}
