// What every durable log has to do, as one suite: the test file of each carrier calls it. Here: order, generations, trims, restarts.
import { describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { ConflictError, DependencyUnavailableError } from '../core/errors.ts';
import {
  freshStream,
  GEN,
  type LogCluster,
  logHarness,
  NEWER,
  numbered,
  ONCE,
  readAll,
  start,
} from './log-conformance-kit.ts';
import { logLoadTests } from './log-conformance-load.ts';
import { logModelTest } from './log-model.ts';

export type { LogCluster } from './log-conformance-kit.ts';

/** Runs the suite against the logs that `begin` makes; `restarts` says that they have `restart`. */
export function logConformance(
  carrier: string,
  begin: () => Promise<LogCluster>,
  options: { readonly restarts?: boolean } = {},
): void {
  describe(`${carrier} log`, () => {
    const harness = logHarness(begin);
    const { cluster, open } = harness;

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

    logLoadTests(harness);
    logModelTest(harness);

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
        await eventually(() => log.connected, 'the client is back');
        expect(await log.bounds(stream)).toEqual({ generation: GEN, first: 11, last: 100 });
        expect(await log.append(stream, GEN, 99, numbered(99, 3))).toBe(101);
        expect((await readAll(log, stream)).map((e) => e.payload)).toEqual(numbered(11, 91));
        await expect(log.append(stream, '2025', 1, ['1'])).rejects.toThrow(ConflictError);
      });
    }
  });
}
