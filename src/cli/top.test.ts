// The figures and the screen of `nautilus top`, and how long requests of commands wait.
import { afterEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { request } from './http-client.ts';
import { type EngineStatus, figures, type Look, total } from './top-figures.ts';
import { render } from './top-view.ts';

const statusOf = (k: number, over: Partial<EngineStatus> = {}): EngineStatus => ({
  status: 'healthy',
  pid: 7,
  memory_rss_bytes: 100 * 2 ** 20,
  bus: {
    published: 10 * k,
    received: 20 * k,
    dropped_slow_handler: k,
    dropped_transport: 1,
    dropped_disconnected: 0,
    poison: k,
    handler_errors: 0,
  },
  activity: {
    cpu_seconds: 0.5 * k,
    http: { requests: 4 * k, errors: k },
    event_loop_delay_ms: { mean: 0.2, max: 1.5 },
    hops: [
      { from: 'ml', topic: 'ml.predictions', count: 5, p50_us: 100, p95_us: 100, p99_us: 2500 },
      { from: 'risk', topic: 'risk.limits', count: 1, p50_us: 90, p95_us: 90, p99_us: 90 },
    ],
  },
  events: { waiting: 2 * k, counts: { dead_letters: 1 } },
  ...over,
});

const engineOf = (label: string) => {
  const [name = '', replica] = label.split('.');
  const rest = { port: 1, private_port: null, pid: 6, state: 'running' as const, restarts: 0 };
  return { name, replica: replica === undefined ? null : Number(replica), ...rest };
};
const look = (atS: number, statuses: Record<string, EngineStatus | null>): Look => ({
  atS,
  engines: Object.entries(statuses).map(([name, status]) => ({ engine: engineOf(name), status })),
});

const TWO = figures(
  look(10, { risk: statusOf(1), ml: statusOf(1) }),
  look(12, { risk: statusOf(3), ml: null }),
);

describe('figures', () => {
  test('keep the replicas of an engine apart', () => {
    const lines = figures(
      look(10, { 'ml.0': statusOf(1), 'ml.1': statusOf(1) }),
      look(11, { 'ml.0': statusOf(1), 'ml.1': statusOf(3) }),
    );
    expect(lines.map((line) => [line.name, line.requests_per_s])).toEqual([
      ['ml.0', 0],
      ['ml.1', 8],
    ]);
  });

  test('are rates between two looks at one process, sums since its start, and its slowest hop', () => {
    expect(TWO[0]).toEqual({
      name: 'risk',
      status: 'healthy',
      pid: 7,
      cpu_percent: 50,
      memory_rss_bytes: 100 * 2 ** 20,
      requests_per_s: 4,
      errors_per_s: 2,
      messages_in_per_s: 20,
      messages_out_per_s: 10,
      dropped: 4,
      events_waiting: 6,
      dead_letters: 1,
      event_loop_delay_ms: 1.5,
      hop_p99_us: 2500,
      slowest_hop: 'ml ml.predictions',
    });
  });

  test('are null where an engine does not answer, was restarted, or measures nothing', () => {
    expect(TWO[1]).toMatchObject({
      status: 'running, no answer',
      pid: 6,
      cpu_percent: null,
      dead_letters: null,
    });
    const off = { cpu_seconds: 1, http: null, event_loop_delay_ms: null, hops: null };
    const [other, blind] = figures(
      look(1, { risk: statusOf(9), ml: statusOf(1, { activity: off }) }),
      look(2, { risk: statusOf(1, { pid: 8 }), ml: statusOf(2, { activity: off, events: null }) }),
    );
    expect(other).toMatchObject({ pid: 8, cpu_percent: null, messages_in_per_s: null, dropped: 2 });
    expect(blind).toMatchObject({
      cpu_percent: 0,
      messages_in_per_s: 20,
      requests_per_s: null,
      events_waiting: null,
      hop_p99_us: null,
    });
  });

  test('add up to a total with the worst hop and delay', () => {
    const both = figures(
      look(0, { a: statusOf(1), b: statusOf(1) }),
      look(1, { a: statusOf(2), b: statusOf(3) }),
    );
    expect(total(both)).toMatchObject({
      status: '2/2 healthy',
      cpu_percent: 150,
      messages_out_per_s: 30,
      hop_p99_us: 2500,
      event_loop_delay_ms: 1.5,
      events_waiting: 10,
      dead_letters: 2,
    });
    expect(total(TWO)).toMatchObject({ status: '1/2 healthy', cpu_percent: 50, dropped: 4 });
    expect(total([])).toMatchObject({ cpu_percent: null, slowest_hop: null });
  });
});

describe('the screen', () => {
  const frame = { title: 'nautilus 0.1.0', lines: TWO, total: total(TWO) };

  test('shows every column on a wide terminal, and a line for each engine', () => {
    expect(render(frame, { columns: 200, rows: 20, colour: false })).toEqual([
      'nautilus 0.1.0',
      'ENGINE  STATUS              PID  CPU %  MEMORY  REQ/S  ERR/S  IN/S  OUT/S  DROPS  WAITING  DEAD  LOOP MS  HOP P99 MS',
      'risk    healthy               7   50.0  100 MB    4.0    2.0    20     10      4        6     1      1.5        2.50',
      'ml      running, no answer    6      -       -      -      -     -      -      -        -     -        -           -',
      'total   1/2 healthy           -   50.0  100 MB    4.0    2.0    20     10      4        6     1      1.5        2.50',
      'q quits',
    ]);
  });

  test('leaves out the least important columns and lines, and always fits', () => {
    expect(render(frame, { columns: 60, rows: 20, colour: false })[1]).toBe(
      'ENGINE  STATUS              CPU %  MEMORY  IN/S  DROPS  DEAD',
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 150 }), fc.integer({ min: 1, max: 20 }), (columns, rows) => {
        const lines = render(frame, { columns, rows, colour: false });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }),
    );
  });

  test('marks what does not answer in red, and what has lost messages or set events aside in yellow', () => {
    const lines = render(frame, { columns: 200, rows: 20, colour: true });
    expect(lines[2]).toStartWith('\x1b[33mrisk');
    expect(lines[3]).toStartWith('\x1b[31mml');
    expect(lines[4]).toStartWith('total');
    const aside = figures(null, look(1, { risk: statusOf(0, { bus: {} }) }));
    const [, , line] = render({ ...frame, lines: aside }, { columns: 200, rows: 20, colour: true });
    expect(line).toStartWith('\x1b[33mrisk');
  });
});

describe('requests of commands', () => {
  afterEach(() => {
    delete process.env.DEFAULT_TIMEOUT;
  });

  test('give up after DEFAULT_TIMEOUT', async () => {
    const silent = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Promise<Response>(() => {}),
    });
    process.env.DEFAULT_TIMEOUT = '100';
    const began = performance.now();
    await expect(request(`${silent.url}`)).rejects.toThrow('within 100 ms');
    expect(performance.now() - began).toBeWithin(99, 2000);
    await silent.stop(true);
  });
});
