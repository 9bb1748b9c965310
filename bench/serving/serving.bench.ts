// Hot path: a prediction on request, through HTTP and through what is behind it. A regression means more work around each run of a
// model: checks, JSON, a copy, a turn of the event loop, a word to another process.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileModels } from '../../engines/ml/model-source.ts';
import { ServingMetrics } from '../../engines/ml/serving/metrics.ts';
import { ServedModels } from '../../engines/ml/serving/models.ts';
import { ModelPool } from '../../engines/ml/serving/pool.ts';
import { Predictor } from '../../engines/ml/serving/predictor.ts';
import { Registry } from '../../src/http/prom.ts';
import { openModel } from '../../src/onnx/registry.ts';
import { loadNow } from '../machine.ts';
import { comparePairs, formatNs, type PairResult, quantile } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { modelsDirectory, NETWORK, QUICK, rowsOf } from './models.ts';

const BATCH = 10_000;
const BATCH_REACH = 1.3;
const RATE = 2000;
const OPEN_LOOP_MS = isQuick ? 2000 : 10_000;
const LEVEL_MS = isQuick ? 1000 : 5000;
/** Clients that ask at once, in the middle of the published ranges. */
const LEVELS = { 'light (1-10)': 5, 'medium (10-50)': 30, 'heavy (50-100)': 75, 'peak (100+)': 200 };
const LONG = { timeoutMs: 60_000 };

const directory = await modelsDirectory();

interface Times {
  readonly ms: number[];
  readonly seconds: number;
  readonly routes: Set<string>;
}

async function post(
  url: string,
  path: string,
  body: unknown,
): Promise<{ hardware_used: string; where: string }> {
  const response = await fetch(url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  if (response.status !== 200) throw new Error(`Expected 200 from ${path}, was ${response.status}`);
  return (await response.json()) as { hardware_used: string; where: string };
}

/** Clients that ask for one row, each again as soon as it has its answer. */
async function closedLoop(url: string, clients: number, forMs: number, model_id: string): Promise<Times> {
  const ms: number[] = [];
  const routes = new Set<string>();
  const began = performance.now();
  const client = async (number: number) => {
    for (let i = 0; performance.now() - began < forMs; i++) {
      const started = performance.now();
      const { hardware_used, where } = await post(url, '/predict', {
        model_id,
        inputs: rowsOf(1, number + i),
      });
      ms.push(performance.now() - started);
      routes.add(`${hardware_used}, ${where}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number * 1000)));
  return { ms, seconds: (performance.now() - began) / 1000, routes };
}

/** One row at each due time, whether or not the ones before are answered; latencies count from the due time. */
async function openLoop(url: string, rate: number, forMs: number): Promise<Times> {
  const ms: number[] = [];
  const waiting: Promise<unknown>[] = [];
  const began = performance.now();
  const count = (rate * forMs) / 1000;
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - began) * rate) / 1000) + 1);
    for (; sent < due; sent++) {
      const dueMs = began + (sent * 1000) / rate;
      const asked = post(url, '/predict', { model_id: QUICK, inputs: rowsOf(1, sent) });
      waiting.push(asked.then(() => ms.push(performance.now() - dueMs)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(waiting);
  return { ms, seconds: (performance.now() - began) / 1000, routes: new Set() };
}

const shown = (ms: readonly number[], at: number) => formatNs(quantile(ms, at) * 1e6);

async function throughHttp(): Promise<void> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'server.ts'), directory], {
    env: { ...process.env, NODE_ENV: 'production' },
    stdout: 'ignore',
    stderr: 'inherit',
    ipc: (message: { url: string }) => told(message.url),
  });
  let told: (url: string) => void = () => {};
  const url = await new Promise<string>((resolve, reject) => {
    told = resolve;
    void child.exited.then(() => reject(new Error('the engine did not start')));
  });
  try {
    for (const model of [QUICK, NETWORK]) await closedLoop(url, 1, LEVEL_MS, model);
    const rows: string[][] = [];
    const one = await closedLoop(url, 1, LEVEL_MS, QUICK);
    rows.push([
      'one client, quick model',
      shown(one.ms, 0.5),
      shown(one.ms, 0.99),
      rateOf(one),
      [...one.routes].join('; '),
    ]);
    const network = await closedLoop(url, 1, LEVEL_MS, NETWORK);
    rows.push([
      'one client, network',
      shown(network.ms, 0.5),
      shown(network.ms, 0.99),
      rateOf(network),
      [...network.routes].join('; '),
    ]);
    for (const [name, clients] of Object.entries(LEVELS)) {
      for (const model of [QUICK, NETWORK]) {
        const times = await closedLoop(url, clients, LEVEL_MS, model);
        const label = `${name}, ${clients} clients, ${model === QUICK ? 'quick model' : 'network'}`;
        rows.push([
          label,
          shown(times.ms, 0.5),
          shown(times.ms, 0.99),
          rateOf(times),
          [...times.routes].join('; '),
        ]);
      }
    }
    // A child process that is never idle, as long as the open loop goes on.
    let stop = false;
    const busy = (async () => {
      let runs = 0;
      for (; !stop; runs++)
        await post(url, '/predict/batch', { model_id: NETWORK, inputs: rowsOf(1000, runs) });
      return runs;
    })();
    const open = await openLoop(url, RATE, OPEN_LOOP_MS);
    stop = true;
    const label = `open loop, ${RATE} a second beside a busy child (${await busy} runs of 1,000 rows)`;
    rows.push([label, shown(open.ms, 0.5), shown(open.ms, 0.99), rateOf(open), '']);
    publish({
      title: 'Predictions through HTTP',
      note: `One row a request over kept-alive connections, the client on the same machine; reach: p50 of one client below 1 ms, p99 of the open loop below 10 ms, counted from the time at which a request was due. The network has two layers of 256 and runs in a child process. Load average ${loadNow()}.`,
      columns: ['load', 'p50', 'p99', 'requests a second', 'route'],
      rows,
    });
  } finally {
    child.disconnect();
    await child.exited;
  }
}

const rateOf = ({ ms, seconds }: Times) => (ms.length / seconds).toFixed(0);

async function besideBareSession(): Promise<void> {
  const pool = new ModelPool({
    processes: 1,
    processBytes: 2 ** 30,
    maxWaiting: 100,
    delayUs: 0,
    startMs: 60_000,
    events: { ran() {}, lost() {}, retried() {}, setAside() {} },
  });
  const source = fileModels(directory);
  const models = new ServedModels({ source, pool, cacheBytes: 1e9, maxBatchRows: 1000 });
  const metrics = new ServingMetrics(new Registry(), () => ({ waiting: 0, processes: 0, cacheBytes: 0 }));
  const predictor = new Predictor(models, pool, metrics);
  const rows: string[][] = [];
  const data: PairResult[] = [];
  try {
    for (const id of [QUICK, NETWORK]) {
      const model = await models.get(id, 'cpu', LONG);
      const bare = await openModel(directory, id);
      const values = Float32Array.from(rowsOf(BATCH).flat());
      const { where, output } = await predictor.predict(model, { values, count: BATCH }, LONG);
      const expected = await bare.session.predict(values, BATCH);
      if (
        !output.every(
          (value, i) => Math.abs(value - expected[i]!) <= 1e-5 * Math.max(1, Math.abs(expected[i]!)),
        )
      )
        throw new Error(`Expected ${id} to give what its bare session gives`);
      const result = await comparePairs({
        name: `${id}, ${where}`,
        pairs: 15,
        a: () => bare.session.predict(values, BATCH),
        b: () => predictor.predict(model, { values, count: BATCH }, LONG),
      });
      await bare.session.close();
      data.push(result);
      const { median, q1, q3, pairs, aNs, bNs } = result;
      const held = median <= BATCH_REACH ? 'held' : 'missed';
      const spread = `${q1.toFixed(2)} .. ${q3.toFixed(2)} of ${pairs}`;
      rows.push([
        result.name,
        `${median.toFixed(2)}x`,
        spread,
        `${BATCH_REACH}x: ${held}`,
        formatNs(bNs),
        formatNs(aNs),
      ]);
    }
  } finally {
    await pool.close();
    await models.close();
  }
  publish({
    title: 'Predictions of 10,000 rows',
    note: `What serving takes for ${BATCH.toLocaleString('en-US')} rows, in one run within the engine and in runs of 1,000 in a child process, against one call of a bare session of ONNX Runtime with one thread; answers are compared first. Load average ${loadNow()}.`,
    columns: ['model', 'serving / bare', 'quartiles', 'reach, at most', 'serving', 'bare'],
    rows,
    data,
  });
}

try {
  await besideBareSession();
  await throughHttp();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
