// What every durable log has to do, as one suite: the test file of each carrier calls it.
import { afterEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventually } from '../../test/support/eventually.ts';
import {
  ConflictError,
  DependencyUnavailableError,
  InvalidOptionError,
  TooLargeError,
} from '../core/errors.ts';
import { type EventLog, type LogPlace, MAX_EVENT_BYTES, type StreamId } from './event-log.ts';

/** One place that keeps a log, to which the suite connects several clients. */
export interface LogCluster {
  /** Resolves when the client is connected. */
  connect(): Promise<EventLog>;
  /** Ends whatever keeps the log and starts it again over the same data; clients come back by themselves. */
  restart?(): Promise<void>;
  close(): Promise<void> | void;
}

const GEN = '2026-01-01';
const NEWER = '2026-01-02';

let topicCount = 0;
/** A stream that no other test has touched. */
const freshStream = (partition = 0): StreamId => ({ topic: `test.log-${topicCount++}`, partition });
const start = (stream: StreamId): LogPlace => ({ ...stream, generation: '', position: 0 });
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ n: from + i }));
const ONCE = { maxEvents: 1000, waitMs: 0 } as const;

/** Reads a stream to its end as a consumer does; fails when numbers repeat or fall. */
async function readAll(log: EventLog, stream: StreamId, maxEvents = 1000) {
  let place = start(stream);
  const events: { position: number; payload: string }[] = [];
  for (;;) {
    const [batch] = await log.read([place], { maxEvents, waitMs: 0 });
    if (!batch) return events;
    expect(batch.events.length).toBeLessThanOrEqual(maxEvents);
    for (const event of batch.events) {
      expect(event.position).toBeGreaterThan(place.position);
      place = { ...stream, generation: batch.generation, position: event.position };
      events.push(event);
    }
  }
}

/** Runs the suite against the logs that `begin` makes; `restarts` says that they have `restart`. */
export function logConformance(
  carrier: string,
  begin: () => Promise<LogCluster>,
  options: { readonly restarts?: boolean } = {},
): void {
  describe(`${carrier} log`, () => {
    const clusters: LogCluster[] = [];
    const logs: EventLog[] = [];

    async function cluster(): Promise<LogCluster> {
      const made = await begin();
      clusters.push(made);
      return {
        restart: () => made.restart!(),
        close: () => made.close(),
        connect: async () => {
          const log = await made.connect();
          logs.push(log);
          return log;
        },
      };
    }
    const open = async () => (await cluster()).connect();

    afterEach(async () => {
      await Promise.all(logs.splice(0).map((log) => log.close()));
      for (const made of clusters.splice(0)) await made.close();
    });

    test('gives events back in order, with the owner’s positions', async () => {
      const log = await open();
      const stream = freshStream();
      expect(await log.append(stream, GEN, 1, ['"a"', '"b"'])).toBe(2);
      expect(await log.append(stream, GEN, 3, ['"c"'])).toBe(3);
      expect(await log.read([start(stream)], ONCE)).toEqual([
        {
          ...stream,
          generation: GEN,
          events: [
            { position: 1, payload: '"a"' },
            { position: 2, payload: '"b"' },
            { position: 3, payload: '"c"' },
          ],
        },
      ]);
      const later = await log.read([{ ...stream, generation: GEN, position: 2 }], ONCE);
      expect(later[0]!.events).toEqual([{ position: 3, payload: '"c"' }]);
      expect(await log.read([{ ...stream, generation: GEN, position: 3 }], ONCE)).toEqual([]);
    });

    test('shows every client the same log', async () => {
      const made = await cluster();
      const [a, b] = [await made.connect(), await made.connect()];
      const stream = freshStream();
      await a.append(stream, GEN, 1, numbered(1, 3));
      expect(await b.append(stream, GEN, 4, numbered(4, 1))).toBe(4);
      expect((await readAll(a, stream)).map((e) => e.position)).toEqual([1, 2, 3, 4]);
      expect(await b.bounds(stream)).toEqual({ generation: GEN, first: 1, last: 4 });
    });

    test('passes over what it has already, so that sending twice is harmless', async () => {
      const log = await open();
      const stream = freshStream();
      await log.append(stream, GEN, 1, ['"a"', '"b"']);
      expect(await log.append(stream, GEN, 1, ['"a"', '"b"'])).toBe(2);
      expect(await log.append(stream, GEN, 1, ['"a"'])).toBe(2);
      expect(await log.append(stream, GEN, 2, ['"b"', '"c"'])).toBe(3);
      expect((await readAll(log, stream)).map((e) => e.payload)).toEqual(['"a"', '"b"', '"c"']);
    });

    test('answers a gap with the last position it has, and stores nothing of it', async () => {
      const log = await open();
      const stream = freshStream();
      await log.append(stream, GEN, 1, numbered(1, 2));
      expect(await log.append(stream, GEN, 4, numbered(4, 2))).toBe(2);
      expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 1, last: 2 });
      expect(await log.append(stream, GEN, 3, numbered(3, 3))).toBe(5);
    });

    test('lets an empty stream begin anywhere', async () => {
      const log = await open();
      const stream = freshStream();
      expect(await log.bounds(stream)).toEqual({ generation: '', first: 0, last: 0 });
      expect(await log.append(stream, GEN, 501, numbered(501, 2))).toBe(502);
      expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 501, last: 502 });
      const [batch] = await log.read([{ ...stream, generation: GEN, position: 10 }], ONCE);
      expect(batch!.events.map((e) => e.position)).toEqual([501, 502]);
    });

    test('lets a newer generation take the place of the older, and refuses the older from then on', async () => {
      const log = await open();
      const stream = freshStream();
      await log.append(stream, GEN, 1, numbered(1, 5));
      expect(await log.append(stream, NEWER, 3, ['"new"'])).toBe(3);
      expect(await log.bounds(stream)).toEqual({ generation: NEWER, first: 3, last: 3 });
      await expect(log.append(stream, GEN, 6, numbered(6, 1))).rejects.toThrow(ConflictError);
      expect(await readAll(log, stream)).toEqual([{ position: 3, payload: '"new"' }]);
    });

    test('gives a reader of an older generation the first events of the newer, and one of a newer nothing yet', async () => {
      const log = await open();
      const stream = freshStream();
      await log.append(stream, GEN, 1, numbered(1, 9));
      const ahead = { ...stream, generation: NEWER, position: 0 };
      expect(await log.read([ahead], ONCE)).toEqual([]);
      const behind = { ...stream, generation: GEN, position: 9 };
      const waiting = log.read([behind], { maxEvents: 10, waitMs: 10_000 });
      await log.append(stream, NEWER, 1, ['"x"', '"y"']);
      const events = [
        { position: 1, payload: '"x"' },
        { position: 2, payload: '"y"' },
      ];
      expect(await waiting).toEqual([{ ...stream, generation: NEWER, events }]);
      expect(await log.read([ahead], ONCE)).toEqual([{ ...stream, generation: NEWER, events }]);
    });

    test('keeps partitions and topics apart', async () => {
      const log = await open();
      const [p0, p1, other] = [freshStream(0), freshStream(1), freshStream(0)];
      const sibling = { ...p0, partition: 1 };
      for (const [i, stream] of [p0, p1, other, sibling].entries())
        await log.append(stream, GEN, 1, [`"${i}"`]);
      for (const [i, stream] of [p0, p1, other, sibling].entries()) {
        expect(await readAll(log, stream)).toEqual([{ position: 1, payload: `"${i}"` }]);
      }
    });

    test('forgets what is trimmed: the reader gets what is left and sees the hole', async () => {
      const log = await open();
      const stream = freshStream();
      await log.append(stream, GEN, 1, numbered(1, 10));
      await log.trim(stream, 4);
      expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 5, last: 10 });
      const [batch] = await log.read([{ ...stream, generation: GEN, position: 2 }], ONCE);
      expect(batch!.events.map((e) => e.position)).toEqual([5, 6, 7, 8, 9, 10]);
      await log.trim(stream, 3);
      expect((await log.bounds(stream)).first).toBe(5);
    });

    test('goes on after its last position when all is trimmed', async () => {
      const log = await open();
      const stream = freshStream();
      await log.trim(stream, 5);
      await log.append(stream, GEN, 1, numbered(1, 3));
      await log.trim(stream, 99);
      expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 4, last: 3 });
      expect(await readAll(log, stream)).toEqual([]);
      expect(await log.append(stream, GEN, 1, numbered(1, 3))).toBe(3);
      expect(await log.append(stream, GEN, 5, numbered(5, 1))).toBe(3);
      expect(await log.append(stream, GEN, 3, numbered(3, 2))).toBe(4);
      expect((await readAll(log, stream)).map((e) => e.position)).toEqual([4]);
    });

    test('wakes a waiting reader with what is appended, also on the reader’s own connection', async () => {
      const made = await cluster();
      const [a, b] = [await made.connect(), await made.connect()];
      const stream = freshStream();
      let position = 0;
      for (const [reader, writer] of [
        [a, b],
        [a, a],
      ] as const) {
        const waiting = reader.read([{ ...stream, generation: GEN, position }], {
          maxEvents: 10,
          waitMs: 10_000,
        });
        position = await writer.append(stream, GEN, position + 1, ['"wake"']);
        const [batch] = await waiting;
        expect(batch!.events).toEqual([{ position, payload: '"wake"' }]);
      }
    });

    test('answers with nothing when the wait is over, and early when it is aborted', async () => {
      const log = await open();
      const stream = freshStream();
      const began = performance.now();
      expect(await log.read([start(stream)], { maxEvents: 1, waitMs: 60 })).toEqual([]);
      // Timers of some platforms fire a little early.
      expect(performance.now() - began).toBeGreaterThan(50);
      const controller = new AbortController();
      const waiting = log.read([start(stream)], {
        maxEvents: 1,
        waitMs: 60_000,
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(), 5);
      expect(await waiting).toEqual([]);
      const { signal } = controller;
      expect(await log.read([start(stream)], { maxEvents: 1, waitMs: 60_000, signal })).toEqual([]);
      await log.append(stream, GEN, 1, ['"still here"']);
      expect(await readAll(log, stream)).toHaveLength(1);
    });

    test('reads many streams at once: all that have events, in the order asked for', async () => {
      const log = await open();
      const streams = Array.from({ length: 64 }, (_, i) => freshStream(i % 8));
      const odd = streams.filter((_, i) => i % 2 === 1);
      await Promise.all(odd.map((stream, i) => log.append(stream, GEN, 1, [`${i}`])));
      const batches = await log.read(streams.map(start), { maxEvents: 5, waitMs: 1000 });
      expect(batches.map(({ topic, partition }) => ({ topic, partition }))).toEqual(odd);
      expect(batches.map((batch) => batch.events[0]!.payload)).toEqual(odd.map((_, i) => `${i}`));
      const ends = streams.map((stream) => ({ ...stream, generation: GEN, position: 1 }));
      const waiting = log.read(ends, { maxEvents: 5, waitMs: 10_000 });
      await log.append(streams[33]!, GEN, 2, ['"one of many"']);
      const woken = await waiting;
      expect(woken.map((batch) => [batch.topic, batch.events.length])).toEqual([[streams[33]!.topic, 1]]);
    });

    test('wakes every one of many readers', async () => {
      const made = await cluster();
      const clients = await Promise.all(Array.from({ length: 4 }, () => made.connect()));
      const stream = freshStream();
      const waiting = Array.from({ length: 32 }, (_, i) =>
        clients[i % 4]!.read([start(stream)], { maxEvents: 10, waitMs: 10_000 }),
      );
      await clients[0]!.append(stream, GEN, 1, ['"all"']);
      for (const batches of await Promise.all(waiting)) expect(batches[0]!.events).toHaveLength(1);
    });

    test('takes large batches, and hands them out within the reader’s bound', async () => {
      const log = await open();
      const stream = freshStream();
      const payloads = numbered(1, 10_000).map((text) => `[${text},"${'x'.repeat(400)}"]`);
      expect(await log.append(stream, GEN, 1, payloads)).toBe(10_000);
      const events = await readAll(log, stream, 777);
      expect(events.map((e) => e.payload)).toEqual(payloads);
    });

    test('takes the largest event and refuses a larger one whole', async () => {
      const log = await open();
      const [stream, second] = [freshStream(0), freshStream(1)];
      const largest = `"${'€'.repeat(Math.floor((MAX_EVENT_BYTES - 2) / 3))}"`;
      for (let position = 1; position <= 5; position++) {
        await log.append(stream, GEN, position, [largest]);
        await log.append(second, GEN, position, [largest]);
      }
      await expect(log.append(stream, GEN, 6, ['"small"', `${largest}€`])).rejects.toThrow(TooLargeError);
      const places = new Map([stream, second].map((id) => [id.topic, start(id)]));
      const seen: number[] = [];
      while (seen.length < 10) {
        const batches = await log.read([...places.values()], { maxEvents: 100, waitMs: 1000 });
        expect(batches.length).toBeGreaterThan(0);
        for (const { events, ...rest } of batches) {
          expect(events.every((e) => e.payload === largest)).toBe(true);
          seen.push(...events.map((e) => e.position));
          places.set(rest.topic, { ...rest, position: events.at(-1)!.position });
        }
      }
      expect(seen.sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    });

    test('refuses arguments that make no stream', async () => {
      const log = await open();
      const stream = freshStream();
      for (const [generation, first, payloads] of [
        ['', 1, ['1']],
        [GEN, 0, ['1']],
        [GEN, 1.5, ['1']],
        [GEN, Number.NaN, ['1']],
        [GEN, 2 ** 40, ['1']],
        [GEN, 1, []],
      ] as const) {
        await expect(log.append(stream, generation, first, payloads)).rejects.toThrow(InvalidOptionError);
      }
      expect((await log.bounds(stream)).last).toBe(0);
    });

    test('keeps any text as it came', async () => {
      const log = await open();
      const stream = freshStream();
      const texts = [
        '',
        '{broken',
        'null',
        'é漢🦑',
        'line\nend\r\n',
        '\u0000nul\u0000',
        '"\\u0000"',
        "'; --",
      ];
      await log.append(stream, GEN, 1, texts);
      expect((await readAll(log, stream)).map((e) => e.payload)).toEqual(texts);
    });

    test('keeps the order of each stream under 64 appenders at once', async () => {
      const made = await cluster();
      const clients = await Promise.all(Array.from({ length: 4 }, () => made.connect()));
      const streams = Array.from({ length: 64 }, (_, i) => freshStream(i % 8));
      await Promise.all(
        streams.map(async (stream, i) => {
          let last = 0;
          while (last < 60) last = await clients[i % 4]!.append(stream, GEN, last + 1, numbered(last + 1, 5));
        }),
      );
      for (const stream of streams) {
        expect((await readAll(clients[0]!, stream)).map((e) => e.payload)).toEqual(numbered(1, 60));
      }
    });

    test('takes the same stream from several relays at once without doubling or mixing', async () => {
      const made = await cluster();
      const clients = await Promise.all(Array.from({ length: 4 }, () => made.connect()));
      const stream = freshStream();
      await Promise.all(
        Array.from({ length: 16 }, async (_, i) => {
          const size = 1 + (i % 7);
          let last = 0;
          while (last < 200) {
            const count = Math.min(size, 200 - last);
            last = await clients[i % 4]!.append(stream, GEN, last + 1, numbered(last + 1, count));
          }
        }),
      );
      expect((await readAll(clients[0]!, stream)).map((e) => e.payload)).toEqual(numbered(1, 200));
    });

    test('takes appends that are sent without waiting for one another in the order of their sending', async () => {
      const log = await open();
      const stream = freshStream();
      const lasts = await Promise.all(
        Array.from({ length: 100 }, (_, i) => log.append(stream, GEN, i * 3 + 1, numbered(i * 3 + 1, 3))),
      );
      // Each answer may already count appends that came behind it.
      for (const [i, last] of lasts.entries()) expect(last).toBeGreaterThanOrEqual(i * 3 + 3);
      expect(await readAll(log, stream)).toHaveLength(300);
    });

    test('rejects calls after its close, and those that wait', async () => {
      const made = await cluster();
      const log = await made.connect();
      const stream = freshStream();
      const waiting = log.read([start(stream)], { maxEvents: 1, waitMs: 60_000 });
      // The rejection may come before the close has ended.
      const outcome = waiting.catch((error) => error);
      await log.close();
      expect(await outcome).toBeInstanceOf(DependencyUnavailableError);
      expect(log.connected).toBe(false);
      await expect(log.append(stream, GEN, 1, ['1'])).rejects.toThrow(DependencyUnavailableError);
      await expect(log.read([start(stream)], ONCE)).rejects.toThrow(DependencyUnavailableError);
      await expect(log.bounds(stream)).rejects.toThrow(DependencyUnavailableError);
    });

    test('does what a plain model does, whatever comes in whatever order', async () => {
      const made = await cluster();
      const clients = await Promise.all([made.connect(), made.connect()]);
      const client = fc.constantFrom(...clients);
      const action = fc.oneof(
        fc.record({
          do: fc.constant('append' as const),
          log: client,
          generation: fc.oneof({ arbitrary: fc.constant('g1'), weight: 8 }, fc.constant('g2')),
          // Mostly the next position, else any.
          first: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 40 })),
          payloads: fc.array(
            fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
            { minLength: 1, maxLength: 6 },
          ),
        }),
        fc.record({ do: fc.constant('trim' as const), log: client, position: fc.nat(40) }),
        fc.record({
          do: fc.constant('read' as const),
          log: client,
          generation: fc.constantFrom('', 'g1', 'g2'),
          position: fc.nat(40),
          maxEvents: fc.integer({ min: 1, max: 8 }),
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
          const stream = freshStream();
          const model = new ModelStream();
          for (const step of actions) {
            if (step.do === 'append') {
              const first = step.first ?? model.last + 1;
              const sent = step.log.append(stream, step.generation, first, step.payloads);
              const outcome = await sent.catch((error) => (error as Error).constructor);
              expect(outcome).toBe(model.append(step.generation, first, step.payloads));
            } else if (step.do === 'trim') {
              await step.log.trim(stream, step.position);
              model.trim(step.position);
            } else {
              const place = { ...stream, generation: step.generation, position: step.position };
              const [batch] = await step.log.read([place], { maxEvents: step.maxEvents, waitMs: 0 });
              expect(batch?.events ?? []).toEqual(
                model.read(step.generation, step.position).slice(0, step.maxEvents),
              );
              if (batch) expect(batch.generation).toBe(model.generation);
            }
            expect(await step.log.bounds(stream)).toEqual(model.bounds());
          }
        }),
        { numRuns: 60 },
      );
    });

    if (options.restarts) {
      test('keeps what it acknowledged over a restart; clients come back and go on', async () => {
        const made = await cluster();
        const log = await made.connect();
        const stream = freshStream();
        await log.append(stream, GEN, 1, numbered(1, 100));
        await log.trim(stream, 10);
        const waiting = log.read([{ ...stream, generation: GEN, position: 100 }], {
          maxEvents: 1,
          waitMs: 60_000,
        });
        const outcome = waiting.catch((error) => error);
        await made.restart!();
        expect(await outcome).toBeInstanceOf(DependencyUnavailableError);
        await eventually(() => log.connected, 'the client is back', 10_000);
        expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 11, last: 100 });
        expect(await log.append(stream, GEN, 99, numbered(99, 3))).toBe(101);
        expect((await readAll(log, stream)).map((e) => e.payload)).toEqual(numbered(11, 91));
        await expect(log.append(stream, '2025', 1, ['1'])).rejects.toThrow(ConflictError);
      });
    }
  });
}

/** The rules of a stream, without any care for speed. */
class ModelStream {
  generation = '';
  last = 0;
  events: { position: number; payload: string }[] = [];

  append(generation: string, first: number, payloads: readonly string[]): number | typeof ConflictError {
    if (generation < this.generation) return ConflictError;
    if (generation > this.generation) {
      this.generation = generation;
      this.events = [];
      this.last = first - 1;
    }
    if (first > this.last + 1) return this.last;
    for (const [i, payload] of payloads.entries()) {
      if (first + i <= this.last) continue;
      this.last = first + i;
      this.events.push({ position: first + i, payload });
    }
    return this.last;
  }

  trim(position: number): void {
    this.events = this.events.filter((event) => event.position > position);
  }

  read(generation: string, position: number): readonly { position: number; payload: string }[] {
    if (generation > this.generation) return [];
    return generation < this.generation ? this.events : this.events.filter((e) => e.position > position);
  }

  bounds() {
    if (this.generation === '') return { generation: '', first: 0, last: 0 };
    return {
      generation: this.generation,
      first: this.events[0]?.position ?? this.last + 1,
      last: this.last,
    };
  }
}
