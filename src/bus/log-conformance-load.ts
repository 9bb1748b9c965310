// The part of the log suite about waiting, bounds and many clients at once.
import { expect, test } from 'bun:test';
import { DependencyUnavailableError, InvalidOptionError, TooLargeError } from '../core/errors.ts';
import { MAX_EVENT_BYTES } from './event-log.ts';
import { freshStream, GEN, type LogHarness, numbered, ONCE, readAll, start } from './log-conformance-kit.ts';

/** Registers the tests. */
export function logLoadTests({ cluster, open }: LogHarness): void {
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
    const texts = ['', '{broken', 'null', 'é漢🦑', 'line\nend\r\n', '\u0000nul\u0000', '"\\u0000"', "'; --"];
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
}
