// How often the counts of an experiment are told, by a clock that only the test moves.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openStore, type TestStore } from '../registry/test-store.ts';
import type { Served } from './count.ts';
import { Recorder } from './recorder.ts';
import { type Definition, type ExperimentRow, NO_RESULT } from './records.ts';
import { insertExperiment, writeRamp } from './store.ts';

const ID = 'experiment';
let opened: TestStore;
beforeAll(async () => {
  opened = await openStore({});
});
afterAll(() => opened.close());

const definition = {
  ...{ name: null, mode: 'ab', metric: 'accuracy', alpha: 0.05, min_samples: 100, max_duration_s: 1e6 },
  ...{ outcome_window_s: 1e6, auto_promote: false, watch_requests: 0 },
  guardrails: { latency_ms: null, error_rate: null },
  canary: { steps: [0.5], step_requests: 100 },
  arms: ['control', 'challenger'].map((name, i) => ({
    ...{ name, model_id: 'm', version: i + 1, precision: 'float32', reference: `m@${i + 1}` },
  })),
  scored: { task: 'classification', width: 1, classes: null },
} as Definition;
const row: ExperimentRow = {
  ...{ experiment_id: ID, model_id: 'm', mode: 'ab', state: 'running', reason: null, stage: 0, winner: null },
  definition: JSON.stringify(definition),
  result: JSON.stringify(NO_RESULT),
  ...{ deployment_seq: 1, promoted_seq: null, created_us: 1, updated_us: 1, ended_us: null },
};

test('counts are told once a second of steady requests, and of outcomes too', async () => {
  await opened.database.transaction((tx) => {
    insertExperiment(tx, row);
    writeRamp(tx, ID, 0, [0.5, 0.5], 1);
  });
  let nowUs = 1e9;
  const recorder = new Recorder({ units: opened.units, clock: { nowUs: () => nowUs } });
  const served = (id: string): Served => ({
    ...{ key: id, stage: 0, runs: [{ arm: 'control', latencyMs: 1 }], atUs: nowUs },
    prediction: { id, said: { control: { p: [0.8] } } },
  });
  // Four a second, as flushes come, for three seconds.
  for (let i = 0; i <= 12; i++) {
    await recorder.store(ID, [served(`p${i}`)], 0);
    nowUs += 250_000;
  }
  expect(opened.said.length).toBe(4);
  nowUs += 1e6;
  for (let i = 0; i < 5; i++)
    await recorder.outcomes(ID, { outcomes: [{ prediction_id: `p${i}`, outcome: 1 }] });
  expect(opened.said.map((body) => (body as { counts: Record<string, number> }).counts.control)).toEqual([
    0, 0, 0, 0, 1,
  ]);
});
