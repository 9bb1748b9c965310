// How often the counts of an experiment are told, by a clock that only the test moves, and what is stored once.
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
  await opened.database.transaction((tx) => {
    insertExperiment(tx, row);
    writeRamp(tx, ID, 0, [0.5, 0.5], 1);
  });
});
afterAll(() => opened.close());

const served = (id: string): Served => ({
  ...{ key: id, stage: 0, runs: [{ arm: 'control', latencyMs: 1 }], atUs: 1e9 },
  prediction: { id, said: { control: { p: [0.8] } } },
});

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
  let nowUs = 1e9;
  const recorder = new Recorder({ units: opened.units, clock: { nowUs: () => nowUs } });
  // Four a second, as flushes come, for three seconds.
  for (let i = 0; i <= 12; i++) {
    await recorder.store(ID, { served: [served(`p${i}`)], lost: 0, mayBeStored: false });
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

test('what was stored by a write whose reply was lost counts once when it is written again', async () => {
  const recorder = new Recorder({ units: opened.units, clock: { nowUs: () => 2e9 } });
  const requests = async (ids: readonly string[], mayBeStored: boolean) =>
    (await recorder.store(ID, { served: ids.map(served), lost: 0, mayBeStored }))!.experiment.tallies[0]!
      .requests;
  const before = await requests([], false);
  expect(await requests(['a', 'b'], false)).toBe(before + 2);
  expect(await requests(['a', 'b', 'c'], true)).toBe(before + 3);
});
