// One monitor on a database of its own, without an engine: what a killed process leaves, looks at open windows, clocks, and what a reply waits for.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UnitRunner } from '../../../src/bus/unit.ts';
import { ManualClock } from '../../../src/core/clock.ts';
import { Philox } from '../../../src/core/philox.ts';
import type { Database } from '../../../src/store/database.ts';
import { openSqlite } from '../../../src/store/sqlite-database.ts';
import { ClockWatch } from './clock-watch.ts';
import { Monitor } from './monitor.ts';
import { NEW_STATE, type RaisedAlarm, type Reference } from './records.ts';
import type { WatchedCard } from './rows.ts';
import { monitorConfig } from './schemas.ts';
import { MonitorQueries, writeMonitor } from './store.ts';
import { MONITORING_TABLES } from './tables.ts';
import { sketchOf } from './window.ts';

const folder = mkdtempSync(join(tmpdir(), 'monitor-'));
const open: Database[] = [];
afterAll(async () => {
  for (const database of open) await database.close();
  rmSync(folder, { recursive: true, force: true });
});

function opened(): Database {
  const database = openSqlite(join(folder, `${open.length}.sqlite`), { engine: MONITORING_TABLES });
  open.push(database);
  return database;
}

const cardOf = (version: string): WatchedCard => ({
  ...{ model_id: 'm', version, model_type: 'classification', inputs: [{ name: 'x' }] },
  output: { name: 'output', classes: ['no', 'yes'] },
});
const random = new Philox(21);
/** Rows of one uniform input, answered with "yes". */
function rows(count: number, shift = 0) {
  const values = Float32Array.from(random.fillUniform(new Float64Array(count)), (u) => u + shift);
  const output = Float32Array.from({ length: 2 * count }, (_, i) => 0.2 + 0.6 * (i % 2));
  return { values, output, rows: count, width: 2 };
}

const sketch = sketchOf(['x']);
sketch.update(new Map([['x', rows(2000).values]]));
const referenceOf = (version: string): Reference => ({
  info: {
    ...{ kind: 'training', version, rows: 2000, output_rows: 0, dataset_id: null, why: null, made_us: 0 },
  },
  ...{ inputs: sketch.toJSON(), outputs: null, losses: { mean: 0.3, variance: 0.21, rows: 1000 } },
});

/** A monitor as an engine makes it, new or of what is stored. */
async function watching(
  config: object,
  {
    database = opened(),
    units,
    watch = new ClockWatch(new ManualClock(1e15), () => 0),
  }: Partial<Around> = {},
) {
  const queries = new MonitorQueries(database);
  const stored = (await queries.monitor('m')) ?? {
    ...{ model_id: 'm', config: monitorConfig.parse(config), state: NEW_STATE },
    ...{ created_us: 1, updated_us: 1 },
  };
  await database.transaction((tx) => writeMonitor(tx, stored));
  const raised: RaisedAlarm[] = [];
  const failures: unknown[] = [];
  const run: UnitRunner['run'] = (work) =>
    database.transaction((tx) => work({ tx, publish: () => undefined as never }));
  const monitor = new Monitor(stored, {
    ...{ database, units: units ?? { run }, watch, tell: () => {}, judged: () => {} },
    raised: (_, alarms) => raised.push(...alarms),
    failed: (_, error) => failures.push(error),
  });
  return { monitor, database, queries, raised, failures };
}

interface Around {
  readonly database: Database;
  readonly units: UnitRunner;
  readonly watch: ClockWatch;
}

test('after kill -9 what was stored goes on: baselines, losses, alarms and numbers of windows', async () => {
  const config = { window_rows: 50, outcome_rows: 1000, reference: 'first_window', detectors: [] };
  const first = await watching(config);
  await first.monitor.restore(cardOf('1'), null);
  // Requests for a baseline of the latency, and a window for the reference.
  for (let i = 0; i < 50; i++) first.monitor.observe(cardOf('1'), rows(1), 4);
  await first.monitor.tick();
  const id = first.monitor.observe(cardOf('1'), rows(10), 4)!;
  const outcomes = Array.from({ length: 5 }, (_, row) => ({ prediction_id: id, row, value: 'yes' }));
  expect(await first.monitor.outcomes(outcomes)).toMatchObject({ matched: 5 });
  // This one ends a window, whose successor is in memory only when the process is killed.
  first.monitor.observe(cardOf('1'), rows(40), 4);
  await new Promise(setImmediate);
  await first.monitor.refer('another', null);
  expect(await first.queries.openWindow('m')).toBeNull();
  const before = first.monitor.state;
  expect(before.watched).toMatchObject({ latencyMs: expect.any(Number), losses: { rows: 5, mean: 0 } });

  const second = await watching(config, first);
  await second.monitor.restore(cardOf('1'), await second.queries.reference('m', '1'));
  expect(second.monitor.state).toEqual(before);
  expect(second.monitor.window).toMatchObject({ seq: 3, rows: 0, version: '1' });
  expect(second.monitor.reference!.info).toMatchObject({ kind: 'first_window', rows: 50 });
  // Outcomes that were answered are not counted again, others still wait.
  const again = [...outcomes, { prediction_id: id, row: 5, value: 'no' }];
  expect(await second.monitor.outcomes(again)).toEqual({ matched: 1, other_version: 0, unknown: 5 });
  expect(second.monitor.state.watched!.losses.rows).toBe(6);
});

test('an open window raises no alarm, however often it is looked at; one that ends does', async () => {
  const { monitor, raised } = await watching({ window_rows: 100, outcome_rows: 30, detectors: [] });
  await monitor.restore(cardOf('1'), referenceOf('1'));
  const id = monitor.observe(cardOf('1'), rows(60, 5), 1)!;
  const outcomes = Array.from({ length: 40 }, (_, row) => ({ prediction_id: id, row, value: 'yes' }));
  await monitor.outcomes(outcomes);
  expect(monitor.state.watched!.accuracy).toMatchObject({ rows: 40, drifted: false });
  expect(monitor.report()).toMatchObject({ closed_us: null, alarms: [], inputs: { drifted: 1 } });
  expect(raised).toEqual([]);
  await monitor.check();
  expect(raised.map(({ reason }) => reason)).toEqual(['data_drift']);
});

test('a rollback while the reference of the next version is made leaves the windows going', async () => {
  const { monitor } = await watching({ window_rows: 30 });
  await monitor.restore(cardOf('1'), referenceOf('1'));
  await monitor.follow(cardOf('2'), null);
  monitor.prepare('2');
  expect(monitor.isPreparing).toBe(true);
  await monitor.follow(cardOf('1'), referenceOf('1'));
  await monitor.refer('2', referenceOf('2'));
  monitor.prepare('2');
  expect([monitor.isPreparing, monitor.reference!.info.version]).toEqual([false, '1']);
  const { seq } = monitor.window;
  monitor.observe(cardOf('1'), rows(30), 1);
  await monitor.tick();
  expect(monitor.window.seq).toBe(seq + 1);
});

test('a window of few rows is no reference', async () => {
  const { monitor, queries } = await watching({ window_rows: 100, reference: 'first_window' });
  await monitor.restore(cardOf('1'), null);
  monitor.observe(cardOf('1'), rows(5), 1);
  await monitor.follow(cardOf('2'), null);
  await monitor.follow(cardOf('1'), await queries.reference('m', '1'));
  expect(monitor.reference).toBeNull();
  monitor.observe(cardOf('1'), rows(40), 1);
  await monitor.check();
  expect(monitor.reference!.info.rows).toBe(40);
});

test('every monitor learns of a jump of the clock, whichever sees it first', async () => {
  const clock = new ManualClock(1e15);
  const watch = new ClockWatch(clock, () => 0);
  const all = [await watching({}, { watch }), await watching({}, { watch })];
  for (const { monitor } of all) await monitor.restore(cardOf('1'), referenceOf('1'));
  clock.advance(3600e6);
  for (const { monitor } of all) {
    monitor.observe(cardOf('1'), rows(40), 1);
    expect(await monitor.check()).toMatchObject({ clock_jumped: true });
    monitor.observe(cardOf('1'), rows(40), 1);
    expect(await monitor.check()).toMatchObject({ clock_jumped: false });
  }
});

test('a reply waits for nothing: a database that never answers, and rows that there is no room for', async () => {
  const never: UnitRunner = { run: () => new Promise(() => {}) };
  const { monitor, failures } = await watching({ window_rows: 30 }, { units: never });
  await monitor.restore(cardOf('1'), referenceOf('1'));
  // No row is looked at while a reply is given, and no unit of work is begun.
  expect(monitor.observe(cardOf('1'), rows(30), 1)).toBeString();
  expect(monitor.window.rows).toBe(0);
  void monitor.tick();
  await new Promise(setImmediate);
  const wide = { values: new Float32Array(2 ** 20), output: new Float32Array(2), rows: 1, width: 2 };
  const ids = Array.from({ length: 10 }, () => monitor.observe(cardOf('1'), wide, 1));
  // 4 MiB of numbers wait at most: three of these.
  expect(ids.filter((id) => id !== undefined)).toHaveLength(3);
  expect(failures).toEqual([]);
});
