// Ingests: what is stored, what happens after a crash in the middle, what is refused before a job is made.
import { afterEach, describe, expect, test } from 'bun:test';
import type { InvalidOptionError } from '../../../src/core/errors.ts';
import type { JobContext } from '../../../src/jobs/define.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import { checkIngest, type IngestReply, type IngestRequest, ingestJob } from './ingest.ts';
import { Rig, START_US, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

const source = new ScriptedSource('a');
const at = (n: number) => START_US - 1e9 + n * 1000;

describe('ingest', () => {
  let rig: Rig;
  afterEach(() => rig.stop());

  const request: IngestRequest & { source: string } = {
    source: 'a',
    symbol: SYMBOL,
    kind: 'trades',
    from_us: at(0),
    to_us: at(1000),
    again: false,
  };

  const kept: { readonly us: number; readonly intervalUs: number | undefined }[] = [];

  async function run(
    over: Partial<IngestRequest> = {},
    { attempt = 1, dieAfter = Number.POSITIVE_INFINITY, unnoted = false } = {},
  ) {
    const stored: MarketRecord[] = [];
    const progress: number[] = [];
    let puts = 0;
    const job = ingestJob({
      database: rig.database,
      clock: rig.clock,
      adapter: (id) => rig.service.board.get(id).source.adapter,
      put: async (records) => {
        if (++puts > dieAfter && !unnoted) throw new Error('killed');
        stored.push(...records);
        for (const r of records)
          kept.push({ us: r.tsEventUs, intervalUs: r.kind === 'bar' ? r.interval : undefined });
        // Stored, and dead before that was noted.
        if (puts > dieAfter) throw new Error('killed');
        return { stored: records.length, replaced: 0, duplicates: 0 };
      },
      actions: async () => [],
      learned: (action) => rig.service.quality.know(action),
      newest: async (_kind, { atUs, intervalUs }) => {
        const before = kept.filter(
          (one) => one.us <= atUs && (intervalUs === undefined || one.intervalUs === intervalUs),
        );
        return before.length === 0 ? null : Math.max(...before.map(({ us }) => us));
      },
    });
    const context: JobContext = {
      jobId: 'j',
      attempt,
      signal: new AbortController().signal,
      correlationId: undefined,
      log: undefined as never,
      progress: (done, total) => void progress.push(done / total!),
    };
    const reply = await Promise.resolve(job.run({ ...request, ...over }, context)).catch((e: Error) => e);
    return {
      reply: reply as IngestReply & Error,
      stored: stored.map((r) => (r.tsEventUs - at(0)) / 1000),
      progress,
    };
  }

  const trades = (...times: number[]) => times.map((n) => source.trade(at(n), 100 + n));

  async function started() {
    source.history = [trades(1, 2, 2), trades(2, 2, 3), trades(4, 5), trades(9)];
    kept.length = 0;
    rig = await Rig.start([source]);
  }

  test('stores all of it in order, and tells how far it is', async () => {
    await started();
    const { reply, stored, progress } = await run();
    expect(stored).toEqual([1, 2, 2, 2, 2, 3, 4, 5, 9]);
    expect(reply).toMatchObject({ records: 9, stored: 9, resumed_from_us: null, last_us: at(9) });
    expect(progress).toEqual([...progress].sort((x, y) => x - y));
    expect(progress.at(-1)).toBe(1);
  });

  test('goes on after a crash at any batch with nothing missing and nothing twice', async () => {
    await started();
    for (const unnoted of [false, true]) {
      for (let dieAfter = 0; dieAfter < 5; dieAfter++) {
        kept.length = 0;
        const over = { to_us: at(1000 + dieAfter + (unnoted ? 100 : 0)) };
        const first = await run(over, { dieAfter, unnoted });
        const second = await run(over, { attempt: 2 });
        expect([...first.stored, ...second.stored]).toEqual([1, 2, 2, 2, 2, 3, 4, 5, 9]);
        if (dieAfter > 0 && first.reply instanceof Error) expect(second.reply.resumed_from_us).not.toBeNull();
      }
    }
  });

  test('does nothing for what was read to its end, unless it is asked to', async () => {
    await started();
    await run();
    expect((await run()).stored).toEqual([]);
    expect((await run({ again: true })).stored).toHaveLength(9);
  });

  test('reads all of it again that is asked for again, also where the first try failed before anything came', async () => {
    await started();
    await run();
    const { history } = source;
    source.history = [];
    source.historyError = new Error('away');
    const failed = await run({ again: true });
    source.historyError = undefined;
    source.history = history;
    expect(failed.reply).toBeInstanceOf(Error);
    expect((await run({ again: true }, { attempt: 2 })).stored).toHaveLength(9);
  });

  test('looks at each record as often however many of one time come before it', async () => {
    await started();
    let reads = 0;
    const readsOf = async (count: number) => {
      // One batch for each, as of a venue that tells a busy moment in small pages, and one of another time that ends it.
      source.history = [...trades(...Array.from({ length: count }, () => 1)), ...trades(2)].map(
        (trade, i) => [
          Object.defineProperty({ ...trade, id: String(i) }, 'tsEventUs', {
            enumerable: true,
            get: () => {
              reads++;
              return trade.tsEventUs;
            },
          }),
        ],
      );
      reads = 0;
      expect((await run({ again: true })).stored).toHaveLength(count + 1);
      return reads;
    };
    const of50 = await readsOf(50);
    const of100 = await readsOf(100);
    expect((await readsOf(150)) - of100).toBe(of100 - of50);
  });

  test('reads the newest record again of a range that was not over', async () => {
    await started();
    source.history = [trades(1, 2), [source.trade(START_US, 7)]];
    const over = { to_us: START_US + 3600e6 };
    expect((await run(over)).stored).toHaveLength(3);
    expect((await run(over)).stored).toEqual([1e6]);
  });

  test('goes on where it was after a failure, whatever else was stored of the same meanwhile', async () => {
    await started();
    for (const [i, unnoted] of [false, true].entries()) {
      kept.length = 0;
      const over = { to_us: at(3000 + i) };
      const first = await run(over, { dieAfter: 2, unnoted });
      // Live trades, and another ingest, of times to which this one has not come.
      for (const n of [6, 9, 2000]) kept.push({ us: at(n), intervalUs: undefined });
      const second = await run(over, { attempt: 2 });
      expect([...first.stored, ...second.stored]).toEqual([1, 2, 2, 2, 2, 3, 4, 5, 9]);
    }
  });

  test('goes on with bars of its own length, whatever others there are', async () => {
    await started();
    const bars = (interval: number, ...times: number[]) =>
      times.map((n) => source.bar(at(n), 100, { interval }));
    source.history = [bars(2e6, 10, 20), bars(2e6, 30)];
    const over: Partial<IngestRequest> = { kind: 'bars', interval_us: 2e6 };
    await run(over, { dieAfter: 1 });
    for (const { tsEventUs } of bars(1e6, 900)) kept.push({ us: tsEventUs, intervalUs: 1e6 });
    expect((await run(over, { attempt: 2 })).stored).toEqual([20, 30]);
  });

  test('asks again for a bar of the end of its range that was not over yet', async () => {
    await started();
    const day = 86_400e6;
    const over: Partial<IngestRequest> = { kind: 'bars', interval_us: day, to_us: START_US - 1e6 };
    const bars = [at(0), START_US - 3600e6].map((us) => source.bar(us, 100, { interval: day }));
    const range = { from_us: START_US - 2 * day };
    source.history = [bars.slice(1)];
    await run({ ...over, ...range });
    source.history = [bars];
    expect((await run({ ...over, ...range })).reply.records).toBeGreaterThan(0);
    // Long after its end it is known to be whole.
    rig.clock.advance(3 * day);
    await run({ ...over, ...range });
    expect((await run({ ...over, ...range })).reply.records).toBe(0);
  });

  test('tells the live stream of splits, whose jumps are no faults from then on', async () => {
    await started();
    const day = 86_400e6;
    const exUs = START_US - day;
    const bar = (tsUs: number, close: number) => source.bar(tsUs, close, { interval: day });
    source.history = [
      [
        {
          kind: 'corporate_action',
          symbol: SYMBOL,
          source: 'a',
          tsEventUs: exUs,
          tsReceiveUs: exUs,
          sequence: null,
          flags: 0,
          action: 'split',
          ratio: 2,
          amount: null,
          renamedTo: null,
        },
      ],
    ];
    await rig.subscribe({ kinds: ['bars'], interval_us: day });
    const range = { from_us: START_US - 9 * day, to_us: START_US };
    expect((await run({ kind: 'corporate_actions', ...range })).reply.records).toBe(1);
    source.say(bar(START_US - 2 * day, 100), bar(exUs, 50));
    const { series } = await rig.service.qualityOf(SYMBOL);
    expect(series.find(({ kind }) => kind === 'bar')!.flags).toEqual({});
    // One that nobody announced is told.
    source.say(bar(START_US, 25));
    const later = await rig.service.qualityOf(SYMBOL);
    expect(later.series.find(({ kind }) => kind === 'bar')!.flags).toEqual({ split_like_jump: 1 });
  });

  test('is one job for one range', async () => {
    await started();
    const { dedupKey } = ingestJob({ ...({} as Parameters<typeof ingestJob>[0]) });
    expect(dedupKey!({ ...request, again: true })).toBe(dedupKey!(request));
    expect(dedupKey!({ ...request, kind: 'bars' })).not.toBe(dedupKey!(request));
    // Bars are of a minute where nobody says their length, and trades of none.
    const minutes = { ...request, kind: 'bars', interval_us: 60e6 };
    expect(dedupKey!(minutes)).toBe(dedupKey!({ ...request, kind: 'bars' }));
    expect(dedupKey!({ ...minutes, interval_us: 300e6 })).not.toBe(dedupKey!(minutes));
    expect(dedupKey!({ ...request, interval_us: 60e6 })).toBe(dedupKey!(request));
  });

  test('is refused for what the source has no history of, and for a range that ends before it begins', async () => {
    await started();
    const { adapter } = rig.service.board.get('a').source;
    const pointerOf = (over: Partial<IngestRequest>) => {
      try {
        checkIngest(adapter, { ...request, ...over });
      } catch (error) {
        return (error as InvalidOptionError).extras.errors![0]!.pointer;
      }
      return null;
    };
    expect(pointerOf({})).toBeNull();
    expect(pointerOf({ kind: 'macro' })).toBe('/kind');
    expect(pointerOf({ to_us: at(-1) })).toBe('/to_us');
  });
});
