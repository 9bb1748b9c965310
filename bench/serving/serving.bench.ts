// Hot path: a prediction on request, through HTTP and through what is behind it. A regression means more work around each run of a
// model: checks, JSON, a copy, a turn of the event loop, a word to another process. `rows`, `one`, `load`, `rate`: these parts only.
import { rmSync } from 'node:fs';
import { openModel } from '../../src/onnx/registry.ts';
import { loadNow } from '../machine.ts';
import { comparePairs, formatNs, type PairResult, quantile } from '../pairs.ts';
import { isQuick, publish } from '../report.ts';
import { closedLoop, openLoop, post, startEngine, type Times } from './client.ts';
import { modelsDirectory, NETWORK, QUICK, rowsOf } from './models.ts';
import { openPredictor } from './predictor.ts';
import { prepareTrainings } from './trainings.ts';

const BATCH = 10_000;
const BATCH_REACH = 1.3;
const RATE = 2000;
const OPEN_LOOP_MS = isQuick ? 2000 : 4000;
const OPEN_LOOP_RUNS = isQuick ? 1 : 5;
const LEVEL_MS = isQuick ? 1000 : 5000;
const REACH_ONE_MS = 1;
const REACH_OPEN_MS = 10;
const LONG = { timeoutMs: 60_000 };

/** The published table of loads, word for word, and clients in the middle of each range. */
const LEVELS = [
  { level: 'Light (1-10 req)', claim: '3.2ms, 300+ req/sec, Neural Engine', clients: 5 },
  { level: 'Medium (10-50 req)', claim: '5.1ms, 200+ req/sec, Neural + CPU', clients: 30 },
  { level: 'Heavy (50-100 req)', claim: '7.0ms, 150+ req/sec, Neural + GPU', clients: 75 },
  { level: 'Peak (100+ req)', claim: '8.5ms, 120+ req/sec, Hybrid routing', clients: 200 },
] as const;

const directory = await modelsDirectory();

const shown = (ms: readonly number[], at: number) => formatNs(quantile(ms, at) * 1e6);
const rateOf = ({ ms, seconds }: Times) => Math.round(ms.length / seconds).toLocaleString('en-US');
const reach = (ms: number, most: number) => `${most} ms: ${ms <= most ? 'held' : 'missed'}`;

async function oneClient(url: string): Promise<void> {
  const rows: string[][] = [];
  for (const model of [QUICK, NETWORK]) {
    // Compiled code, and a process that is there.
    await closedLoop(url, 1, LEVEL_MS, model);
    const times = await closedLoop(url, 1, LEVEL_MS, model);
    const p50 = quantile(times.ms, 0.5);
    const cells = [shown(times.ms, 0.5), shown(times.ms, 0.99), rateOf(times)];
    rows.push([model, ...cells, reach(p50, REACH_ONE_MS), [...times.routes].join('; ')]);
  }
  publish({
    title: 'One prediction through HTTP',
    note: `One row a request, one client on the same machine that asks again as soon as it has its answer, over a kept-alive connection. The network has two layers of 256 and runs in a child process. Load average ${loadNow()}.`,
    columns: ['model', 'p50', 'p99', 'requests a second', 'reach of p50', 'hardware_used, where'],
    rows,
  });
}

async function underLoad(url: string): Promise<void> {
  const rows: string[][] = [];
  const data: Record<string, unknown>[] = [];
  for (const { level, claim, clients } of LEVELS) {
    for (const model of [QUICK, NETWORK]) {
      const times = await closedLoop(url, clients, LEVEL_MS, model);
      const routes = [...times.routes].join('; ');
      const cells = [shown(times.ms, 0.5), shown(times.ms, 0.99), rateOf(times), routes];
      rows.push([level, claim, `${clients}`, model, ...cells]);
      data.push({
        level,
        clients,
        model,
        p50_ms: quantile(times.ms, 0.5),
        per_second: times.ms.length / times.seconds,
        routes,
      });
    }
  }
  publish({
    title: 'System performance under load',
    note: `The published table beside ours. Closed loop: each client asks for one row, and again as soon as it has its answer; all clients are one process on the same machine and take their share of it. The claim is of other hardware and names neither model nor loop. Load average ${loadNow()}.`,
    columns: [
      'level',
      'published claim',
      'clients',
      'model',
      'p50',
      'p99',
      'requests a second',
      'hardware_used, where',
    ],
    rows,
    data,
  });
}

/** The open loop alone, beside predictions that keep a child process busy, and beside trainings. */
async function atRate(url: string): Promise<void> {
  const beside = {
    'nothing else': async () => async () => '',
    'a busy child process': async () => {
      let isOver = false;
      const busy = (async () => {
        let runs = 0;
        for (; !isOver; runs++)
          await post(url, '/predict/batch', { model_id: NETWORK, inputs: rowsOf(1000, runs) });
        return runs;
      })();
      return async () => {
        isOver = true;
        return `${await busy} runs of 1,000 rows`;
      };
    },
    trainings: await prepareTrainings(url),
  };
  const runs = Object.entries(beside).map(([name, start]) => ({
    name,
    start,
    ms: [] as number[][],
    said: '',
  }));
  // Compiled code before anything counts.
  await closedLoop(url, 1, LEVEL_MS, QUICK);
  // In turns, so that a slow moment of the machine hits all of them.
  for (let round = 0; round < OPEN_LOOP_RUNS; round++) {
    for (const run of runs) {
      const stop = await run.start();
      run.ms.push([...(await openLoop(url, RATE, OPEN_LOOP_MS, QUICK)).ms]);
      run.said = await stop();
    }
  }
  const rows = runs.map(({ name, ms, said }) => {
    const of = (at: number) => ms.map((one) => quantile(one, at));
    const p99 = of(0.99);
    const range = `${shown(p99, 0)} .. ${shown(p99, 1)}`;
    const longest = shown(of(1), 1);
    return [
      name,
      shown(of(0.5), 0.5),
      shown(p99, 0.5),
      range,
      longest,
      reach(quantile(p99, 0.5), REACH_OPEN_MS),
      said,
    ];
  });
  publish({
    title: `Predictions at ${RATE.toLocaleString('en-US')} requests a second`,
    note: `Open loop: a request at each due time, whether or not the ones before are answered; latencies count from the due time. Medians of ${OPEN_LOOP_RUNS} runs of ${OPEN_LOOP_MS / 1000} s, which take turns; the last column is of the last run. Load average ${loadNow()}.`,
    columns: ['beside', 'p50', 'p99', 'range of p99', 'longest', 'reach of p99', 'meanwhile'],
    rows,
  });
}

async function besideBareSession(): Promise<void> {
  const { models, predictor, close } = openPredictor(directory);
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
    await close();
  }
  publish({
    title: 'Predictions of 10,000 rows',
    note: `What serving takes for ${BATCH.toLocaleString('en-US')} rows, in one run within the engine and in runs of 1,000 in a child process, against one call of a bare session of ONNX Runtime with one thread; answers are compared first. The process yields to others (niceness 5): on a machine that others use too it gets a third of what the bare session gets. Load average ${loadNow()}.`,
    columns: ['model', 'serving / bare', 'quartiles', 'reach, at most', 'serving', 'bare'],
    rows,
    data,
  });
}

const PARTS = { one: oneClient, load: underLoad, rate: atRate };
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isAsked = (part: string) => asked.length === 0 || asked.includes(part);

try {
  if (isAsked('rows')) await besideBareSession();
  const engine = await startEngine(directory);
  try {
    for (const [part, run] of Object.entries(PARTS)) if (isAsked(part)) await run(engine.url);
  } finally {
    await engine.stop();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
