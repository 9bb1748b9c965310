// Small parts of monitoring: clocks that jump, bars that tell outcomes, room for what waits, alarms that wait, pages that are only text.
import { describe, expect, test } from 'bun:test';
import { Philox } from '../../../src/core/philox.ts';
import { raise } from './alarms.ts';
import { gainP } from './challenge.ts';
import { ClockWatch } from './clock-watch.ts';
import { figure, html, pageOf, timeOf } from './html.ts';
import { Intake } from './intake.ts';
import { newVersion, withLosses } from './outcomes.ts';
import { linePlot } from './plots.ts';
import type { Answered, WatchedCard } from './rows.ts';
import { chunkOf, decisionsOf, outcomeOf, outputNames } from './rows.ts';
import { horizonOf, Maturing } from './stream-watch.ts';

describe('two clocks', () => {
  const clocks = () => {
    const at = { wall: 1e15, steady: 0 };
    const watch = new ClockWatch({ nowUs: () => at.wall }, () => at.steady);
    const pass = (wall: number, steady: number) => {
      at.wall += wall;
      at.steady += steady;
      watch.nowUs();
      return watch.jumps;
    };
    return pass;
  };

  test('that go alike have not jumped, also when one is steered', () => {
    const pass = clocks();
    pass(2e6, 2e6);
    expect(pass(2.1e6, 2e6)).toEqual({ jumps: 0, last_us: null });
  });

  test('a jump is counted with its size, forwards and backwards', () => {
    const pass = clocks();
    expect(pass(3.6e9, 2e6)).toEqual({ jumps: 1, last_us: 3_598_000_000 });
    pass(2e6, 2e6);
    expect(pass(-5e6, 1e6)).toEqual({ jumps: 2, last_us: -6_000_000 });
  });

  test('a clock that stands still until it is caught up has jumped once', () => {
    const pass = clocks();
    pass(0, 2e6);
    expect(pass(0, 2e6)).toEqual({ jumps: 1, last_us: -4_000_000 });
    expect(pass(2e6, 2e6).jumps).toBe(1);
  });

  test('looks that follow quickly see it too', () => {
    const pass = clocks();
    for (let i = 0; i < 29; i++) pass(0, 1e5);
    expect(pass(0, 1e5)).toEqual({ jumps: 1, last_us: -3_000_000 });
  });

  test('one that drifts is told whenever it is a second off', () => {
    const pass = clocks();
    // It loses a thousandth.
    for (let i = 0; i < 1000; i++) pass(999_000, 1e6);
    expect(pass(999_000, 1e6)).toEqual({ jumps: 1, last_us: -1_000_000 });
  });
});

describe('bars that follow', () => {
  const MINUTE = 60_000_000;
  const waiting = (symbol: string, at: number, close: number) => ({ symbol, due_us: at * MINUTE, close });

  test('tell whether a prediction came true, at its bar and not before', () => {
    const maturing = new Maturing();
    maturing.add('a', waiting('X', 3, 100));
    maturing.add('b', waiting('Y', 3, 100));
    maturing.bar('X', 2 * MINUTE, 200);
    expect(maturing.take()).toEqual([]);
    maturing.bar('X', 3 * MINUTE, 101);
    expect(maturing.take()).toEqual([{ prediction_id: 'a', row: 0, value: 1 }]);
    maturing.bar('X', 4 * MINUTE, 90);
    expect([maturing.take(), maturing.count]).toEqual([[], 1]);
    // What could not be stored comes first.
    maturing.bar('Y', 3 * MINUTE, 99);
    maturing.giveBack([{ prediction_id: 'a', row: 0, value: 1 }]);
    expect(maturing.take().map(({ prediction_id }) => prediction_id)).toEqual(['a', 'b']);
  });

  test('a bar that never came leaves the outcome unknown', () => {
    const maturing = new Maturing();
    maturing.add('a', waiting('X', 3, 100));
    maturing.bar('X', 5 * MINUTE, 101);
    expect([maturing.take(), maturing.count]).toEqual([[], 0]);
  });

  test('a prediction may come after its bar', () => {
    const maturing = new Maturing();
    for (let minute = 1; minute <= 5; minute++) maturing.bar('X', minute * MINUTE, 100 - minute);
    maturing.add('a', waiting('X', 3, 100));
    expect(maturing.take()).toEqual([{ prediction_id: 'a', row: 0, value: 0 }]);
  });

  test('cards say how far they look', () => {
    expect(horizonOf({ hyperparameters: { horizon_bars: 15 } })).toBe(15);
    const target = { kind: 'direction', column: 'close', horizon: '3 rows' };
    expect(horizonOf({ serving: { target } })).toBe(3);
    expect(horizonOf({ serving: { target: { ...target, kind: 'log_return' } } })).toBeNull();
    expect(horizonOf({})).toBeNull();
  });
});

const card = (more: object = {}): WatchedCard => ({
  ...{ model_id: 'm', version: '1', model_type: 'classification', inputs: [{ name: 'x' }] },
  ...{ output: { name: 'output', classes: ['SELL', 'HOLD', 'BUY'] }, ...more },
});

describe('rows', () => {
  const answered: Answered = {
    values: Float32Array.of(1, 2),
    output: Float32Array.of(0.1, 0.7, 0.2, 0.6, 0.3, 0.1),
    rows: 2,
    width: 3,
  };

  test('decisions are the likeliest classes, and outcomes name them', () => {
    expect(decisionsOf(card(), answered)).toEqual([1, 0]);
    expect(['BUY', 2, 3, 'UP', 0.5].map((value) => outcomeOf(card(), value))).toEqual([
      2,
      2,
      null,
      null,
      null,
    ]);
    expect(decisionsOf(card({ model_type: 'clustering' }), answered)).toBeNull();
    const regression = card({ model_type: 'regression' });
    expect([outcomeOf(regression, -1.5), outcomeOf(regression, 'up')]).toEqual([-1.5, null]);
  });

  test('of two classes the second is looked at', () => {
    const two = card({ output: { name: 'output', classes: ['not higher', 'higher'] } });
    expect(outputNames(two, 2)).toEqual(['higher']);
    const chunk = chunkOf(['higher'], Float32Array.of(0.25, 0.75, 0.5, 0.5), 2);
    expect([...chunk.get('higher')!]).toEqual([0.75, 0.5]);
  });

  test('what there is no room for is counted and gets no id', () => {
    const intake = new Intake(20);
    const give = () => intake.add({ card: card(), answered, ms: 1, key: null, matures: null });
    expect([typeof give(), typeof give(), typeof give()]).toEqual(['string', 'string', 'undefined']);
    expect(intake.take()).toMatchObject({ skipped: 2, items: [{ ms: 1 }, { ms: 1 }] });
    expect(typeof give()).toBe('string');
  });
});

describe('losses as they come', () => {
  const random = new Philox(3).fillUniform(new Float64Array(2000));
  const losses = (wrong: number, at: number) =>
    Array.from(random.subarray(at, at + 1000), (u) => Number(u < wrong));
  const baseline = { mean: 0.3, variance: 0.21, rows: 1000 };

  test('a rise is found, a fall is no alarm, and a restart changes nothing', () => {
    const before = withLosses(newVersion('1'), losses(0.3, 0), baseline);
    expect(before.found).toEqual([]);
    const stored = JSON.parse(JSON.stringify(before));
    const worse = withLosses(stored, losses(0.7, 1000), baseline);
    expect(worse.found).toContain('adwin');
    expect(worse).toEqual(withLosses(before, losses(0.7, 1000), baseline));
    const better = withLosses(before, losses(0, 1000), baseline);
    expect(better.found).toEqual([]);
  });
});

describe('alarms', () => {
  test('one reason waits for the cool-down, others do not', () => {
    const given = new Map([['data_drift', 'first']] as const);
    const first = raise([], given, 1e9, 60);
    expect(first.raised).toEqual([{ reason: 'data_drift', ts_us: 1e9, text: 'first' }]);
    expect(raise(first.all, given, 1e9 + 59e6, 60).raised).toEqual([]);
    expect(raise(first.all, new Map([['latency_drift', 'slow']] as const), 1e9 + 1, 60).raised).toHaveLength(
      1,
    );
    expect(raise(first.all, given, 1e9 + 60e6, 60).raised).toHaveLength(1);
    // The clock went back behind the alarm.
    expect(raise(first.all, given, 1, 60).raised).toHaveLength(1);
  });
});

describe('a gain of a new version', () => {
  test('counts blocks of labels that overlap once', () => {
    const gains = Float64Array.from({ length: 200 }, (_, i) => (Math.floor(i / 20) % 2 ? 3 : -1) + 0.5);
    expect(gainP(gains, 1)).toBeLessThan(0.001);
    expect(gainP(gains, 20)).toBeGreaterThan(0.01);
    expect(gainP(gains, 21)).toBe(1);
    expect(gainP(new Float64Array(100), 1)).toBe(1);
  });
});

describe('pages', () => {
  test('hold names as text, never as markup', async () => {
    const name = `<img src=x onerror="alert('1')">&`;
    const text = await pageOf(name, html`<p>${name}</p>${linePlot(name, [1, null, 2], 1.5)}`).text();
    expect(text).not.toContain('<img');
    expect(text.match(/&lt;img src=x onerror=&quot;alert\(&#39;1&#39;\)&quot;&gt;&amp;/g)).toHaveLength(3);
  });

  test('numbers and times are for people', () => {
    expect([figure(null), figure(0.123456), figure(1e-7), timeOf(null), timeOf(0)]).toEqual([
      '–',
      '0.1235',
      '1e-7',
      '–',
      '1970-01-01 00:00:00',
    ]);
  });
});
