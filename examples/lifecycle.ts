// A model's whole life on a running system, over REST alone: searched for, deployed, compared, watched, trained again.
//
//   make engines                                          # in another terminal
//   bun examples/lifecycle.ts --bars btc.csv              # bars of one minute: timestamp,open,high,low,close,volume
//
// Options: --rows to learn from (3000), --live bars that are predicted one by one (120), --trials (8), --model (a name of its own), and --ml for an
// engine that is elsewhere. NAUTILUS_API_KEY is sent where there is one.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { parseTimestampUs } from '../src/core/timestamps.ts';

const { values: options } = parseArgs({
  options: {
    bars: { type: 'string' },
    rows: { type: 'string', default: '3000' },
    live: { type: 'string', default: '120' },
    trials: { type: 'string', default: '8' },
    model: { type: 'string', default: `rise-${Date.now().toString(36)}` },
    ml: { type: 'string', default: 'http://127.0.0.1:8400' },
  },
});
if (!options.bars) throw new Error('Expected --bars <file.csv or .csv.gz>');

const key = process.env.NAUTILUS_API_KEY;
const authorization = key ? { authorization: `Bearer ${key}` } : {};

interface Problem {
  readonly detail: string;
}

async function send<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
  const isText = typeof body === 'string';
  const response = await fetch(options.ml + path, {
    method,
    headers: { ...(isText ? {} : { 'content-type': 'application/json' }), ...authorization },
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
  });
  const reply = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${(reply as Problem).detail}`);
  return reply as Reply;
}
const get = <Reply>(path: string) => send<Reply>('GET', path);
const post = <Reply>(path: string, body?: unknown) => send<Reply>('POST', path, body);

/** Asks until the answer is there. */
async function until<Reply>(ask: () => Promise<Reply>, isThere: (reply: Reply) => boolean): Promise<Reply> {
  for (;;) {
    const reply = await ask();
    if (isThere(reply)) return reply;
    await Bun.sleep(100);
  }
}

const model = options.model;
const bytes = readFileSync(options.bars);
const [header, ...lines] = (options.bars.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  .toString()
  .trim()
  .split('\n');
const rows = Number(options.rows);
const live = Number(options.live);
/** Bars that a request brings along, so that the features of the model are warm. */
const HISTORY = 300;
const NAMES = header!.split(',').slice(1);
const bars = lines.slice(0, rows + live + 1).map((line) => {
  const [time, ...numbers] = line.split(',');
  const values = new Map(NAMES.map((name, i) => [name, Number(numbers[i])]));
  const ts_event_us = parseTimestampUs(time!);
  return { ts_event_us, close: values.get('close')!, ...Object.fromEntries(values) };
});
const table = (to: number) => [header, ...lines.slice(0, to)].join('\n');

// 1. Data: a table, and what is wrong with it.
const named = `/datasets?name=${model}`;
const { dataset_id } = await post<{ dataset_id: string }>(named, table(rows));
const { findings } = await post<{ findings: readonly unknown[] }>('/quality', { dataset_id });
console.log(`data: ${rows} rows, ${findings.length} findings on their quality`);

// 2. A search over families and their settings. The last rows are seen by no trial.
const { job_id } = await post<{ job_id: string }>('/automl/start', {
  dataset_id,
  target: { kind: 'direction', column: 'close', horizon: 1 },
  features: [{ kind: 'bars' }],
  search_space: { models: [{ family: 'logistic' }, { family: 'gradient_boosting' }] },
  max_trials: Number(options.trials),
});
interface Status {
  readonly state: string;
  readonly reason: string | null;
}
const status = await until(
  () => get<Status>(`/automl/status/${job_id}`),
  ({ state }) => ['completed', 'failed', 'cancelled'].includes(state),
);
if (status.state !== 'completed') throw new Error(`the search ended as ${status.state}: ${status.reason}`);
interface Results {
  readonly leader_board: readonly {
    readonly trial: number;
    readonly family: string;
    readonly state: string;
    readonly score: number | null;
  }[];
}
const { leader_board } = await get<Results>(`/automl/results/${job_id}`);
for (const { trial, family, state, score } of leader_board)
  console.log(`trial ${trial}: ${family} ${state} ${score?.toFixed(4) ?? '-'}`);

// 3. The best one serves; the next one is registered as its challenger.
await post('/models', { model_id: model, model_type: 'trading_signals' });
interface Deployed {
  readonly version: string;
  readonly performance: Readonly<Record<string, number>>;
}
const best = await post<Deployed>(`/automl/deploy/${job_id}`, { model_id: model });
const { performance } = best;
const accuracy = (of = '') => performance[`classification.${of}accuracy`]?.toFixed(4);
console.log(
  `deployed: ${model}@${best.version}, accuracy on rows that no trial saw ${accuracy()}, of class frequencies ${accuracy('class_frequencies.')}`,
);
const next = leader_board.filter(({ state }) => state === 'complete')[1]!.trial;
const other = await post<Deployed>(`/automl/deploy/${job_id}`, {
  model_id: model,
  choice: next,
  production_ready: false,
});

// 4. An experiment divides the requests, and a monitor watches what serves.
const { experiment_id } = await post<{ experiment_id: string }>('/experiments', {
  model_id: model,
  metric: 'accuracy',
  arms: [
    { model: 'production', weight: 0.5 },
    { name: 'challenger', model: other.version, weight: 0.5 },
  ],
});
const retrain = { dataset: { latest_of: model }, auto_deploy: 'if_better' };
await send('PUT', `/monitors/${model}`, { window_rows: 1000, outcome_rows: 100, detectors: [], retrain });
interface Monitor {
  readonly state: string;
  readonly retrainings: readonly {
    readonly state: string;
    readonly ended_us: number | null;
    readonly error: string | null;
    readonly new_version: string | null;
    readonly deployed: boolean;
    readonly comparison: { readonly before: number; readonly after: number } | null;
  }[];
}
await until(
  () => get<Monitor>(`/monitors/${model}`),
  ({ state }) => state === 'watching',
);

// 5. The market goes on: each bar is predicted by its key, and the next one says what was right.
interface Predicted {
  readonly prediction_id: string;
  readonly predictions: readonly (readonly number[])[];
}
const outcomes: { prediction_id: string; value: number }[] = [];
for (let at = rows; at < rows + live; at++) {
  const { prediction_id } = await post<Predicted>('/predict', {
    model_id: model,
    key: `${model}-${at}`,
    bars: bars.slice(at - HISTORY, at + 1),
  });
  outcomes.push({ prediction_id, value: Number(bars[at + 1]!.close > bars[at]!.close) });
}
const told = outcomes.map(({ value, ...of }) => ({ ...of, outcome: value }));
await post(`/experiments/${experiment_id}/outcomes`, { outcomes: told });
await post(`/monitors/${model}/outcomes`, { outcomes });
interface Experiment {
  readonly state: string;
  readonly arms: readonly {
    readonly name: string;
    readonly observations: number;
    readonly value: number | null;
  }[];
  readonly comparisons: readonly { readonly p_value: number }[];
}
const experiment = await get<Experiment>(`/experiments/${experiment_id}`);
const arms = experiment.arms.map(
  ({ name, observations, value }) => `${name} ${value?.toFixed(3) ?? '-'} of ${observations}`,
);
console.log(
  `experiment: ${arms.join(', ')}; p ${experiment.comparisons[0]!.p_value.toFixed(3)}, ${experiment.state}`,
);
await post(`/experiments/${experiment_id}/stop`);

// 6. A drill: outcomes that go against the model are drift of its accuracy, which has it trained again on the newest table of its name.
await post(named, table(rows + live));
const since = { model_id: model, last: 200, bars: bars.slice(rows + live - 200 - HISTORY, rows + live) };
const { prediction_id, predictions } = await post<Predicted>('/predict', since);
const against = predictions.map(([no, yes], row) => ({ prediction_id, row, value: yes! > no! ? 0 : 1 }));
await post(`/monitors/${model}/outcomes`, { outcomes: against });
const { retrainings } = await until(
  () => get<Monitor>(`/monitors/${model}`),
  (monitor) => typeof monitor.retrainings[0]?.ended_us === 'number',
);
const [last] = retrainings;
if (last!.state !== 'completed') throw new Error(`the retraining ${last!.state}: ${last!.error}`);
const { before, after } = last!.comparison!;
console.log(
  `retrained: ${model}@${last!.new_version}, log loss ${before.toFixed(4)} before and ${after.toFixed(4)} after, ${last!.deployed ? 'serves now' : 'not better, so that the old one serves on'}`,
);
console.log(`report: ${options.ml}/monitors/${model}/report`);
