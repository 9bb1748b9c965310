// Captures of Binance: the real ones whole, the real ones damaged, and lines that are no records.
import { describe, expect, test } from 'bun:test';
import { TooLargeError } from '../../../src/core/errors.ts';
import { OrderBook } from '../../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../../src/market/book/rules.ts';
import type { BookChange } from '../../../src/market/book/state.ts';
import type { Quote } from '../../../src/market/records.ts';
import { numberOf } from '../../../src/market/scale.ts';
import { captureLines, capturePath, gzipLines, inPieces } from '../../../test/support/captures.ts';
import { BinanceCapture, type CaptureOptions } from './binance-capture.ts';
import type { CaptureRecord } from './binance-lines.ts';

/** Lines of the slices that are damaged: a second of both markets, the snapshot among them. */
const SLICE = 3000;
const lines = { spot: await captureLines('spot'), futures: await captureLines('futures') };
const missing = capturePath('spot') === null ? ' (skipped: no ../shared/data)' : '';

async function read(body: AsyncIterable<Uint8Array>, options: Partial<CaptureOptions> = {}) {
  const capture = new BinanceCapture({ maxBytes: 1e9, ...options });
  const records: CaptureRecord[] = [];
  for await (const batch of capture.records(body)) records.push(...batch);
  return { capture, records };
}

const readLines = (text: readonly string[], options: Partial<CaptureOptions> = {}) =>
  read(inPieces(Buffer.from(text.join('\n'))), options);

/** Builds the book of a capture; each time that it is live after a record, its top is held against the quote of the same update. */
function build(records: readonly CaptureRecord[]) {
  let book: OrderBook | undefined;
  const quotes = new Map<number, Quote>();
  const changes: BookChange[] = [];
  let compared = 0;
  let wrong = 0;
  let crossed = 0;
  for (const record of records) {
    if (record.kind === 'trade') continue;
    if (record.kind === 'quote') quotes.set(record.sequence!, record);
    book ??= new OrderBook({ rule: bookRuleOf(record.source), reorder: 4, staleUs: 5_000_000 });
    const { change } = book.apply(record);
    if (change) changes.push(change);
    const top = book.top();
    if (top === null) continue;
    if (top.bid >= top.ask) crossed++;
    if (record.kind !== 'book_delta') continue;
    const quote = quotes.get(book.sequence!);
    if (!quote) continue;
    compared++;
    const { scale } = book;
    const same =
      numberOf(top.bid, scale!.price) === numberOf(quote.bid, quote.scale.price) &&
      numberOf(top.bidSize, scale!.size) === numberOf(quote.bidSize, quote.scale.size) &&
      numberOf(top.ask, scale!.price) === numberOf(quote.ask, quote.scale.price) &&
      numberOf(top.askSize, scale!.size) === numberOf(quote.askSize, quote.scale.size);
    if (!same) wrong++;
  }
  return { book: book!, changes, compared, wrong, crossed };
}

const reasons = (changes: readonly BookChange[]) => changes.map((change) => change.reason);

/** Place of the `nth` line of depth after line `from`. */
function depthLine(text: readonly string[], nth: number, from = 200): number {
  let left = nth;
  for (let i = from; i < text.length; i++) if (text[i]!.includes('depthUpdate') && left-- === 0) return i;
  throw new Error('no such line');
}

/** Finds a line of depth that tells the best bid of a quote with its number, and changes the size there. */
function otherSize(text: readonly string[]): { at: number; changed: string } {
  const quotes = new Map<number, { b: string; B: string }>();
  for (const [at, line] of text.entries()) {
    const { data } = JSON.parse(line.slice(20));
    if (data?.B) quotes.set(data.u, data);
    const quote = at > 200 && data?.e === 'depthUpdate' ? quotes.get(data.u) : undefined;
    const told = `["${quote?.b}","${quote?.B}"]`;
    if (quote && line.includes(told))
      return { at, changed: line.replace(told, `["${quote.b}","9${quote.B}"]`) };
  }
  throw new Error('no such line');
}

describe('the real captures', () => {
  const WHOLE = {
    // Counted with `zcat FILE | grep -c`; levels and tops computed by a plain program in Python from the same files.
    spot: { lines: 41_249, trade: 9757, quote: 28_040, book_delta: 3451, compared: 564, source: 'binance' },
    futures: {
      lines: 93_954,
      trade: 21_313,
      quote: 66_089,
      book_delta: 6551,
      compared: 503,
      source: 'binance-usdm',
    },
  } as const;

  for (const name of ['spot', 'futures'] as const) {
    test.skipIf(lines[name] === null)(
      `${name}: every line is a record, and the book is right at every update that a quote tells of${missing}`,
      async () => {
        const { capture, records } = await read(Bun.file(capturePath(name)!).stream());
        const expected = WHOLE[name];
        expect(capture).toMatchObject({ lines: expected.lines, rejected: 0, reasons: {}, damaged: null });
        const counts: Record<string, number> = {};
        for (const record of records) counts[record.kind] = (counts[record.kind] ?? 0) + 1;
        expect(counts).toEqual({
          trade: expected.trade,
          quote: expected.quote,
          book_delta: expected.book_delta,
          book_snapshot: 1,
        });
        expect(new Set(records.map((record) => record.source))).toEqual(new Set([expected.source]));
        expect(new Set(records.map((record) => record.symbol))).toEqual(new Set(['BTCUSDT']));

        const { book, changes, compared, wrong, crossed } = build(records);
        expect(changes).toMatchObject([{ from: 'waiting', to: 'live', reason: 'snapshot' }]);
        expect({ compared, wrong, crossed }).toEqual({ compared: expected.compared, wrong: 0, crossed: 0 });
        expect(book.counters).toMatchObject({
          gap: 0,
          duplicate: 0,
          out_of_order: 0,
          resyncs: 0,
          diverged: 0,
          snapshots: 1,
        });
      },
    );
  }
});

describe.skipIf(lines.futures === null)(`a damaged capture${missing}`, () => {
  const whole = { spot: lines.spot?.slice(0, SLICE) ?? [], futures: lines.futures?.slice(0, SLICE) ?? [] };
  const outcome = async (text: readonly string[]) => {
    const { capture, records } = await readLines(text);
    return { capture, ...build(records) };
  };

  for (const name of ['spot', 'futures'] as const) {
    const text = whole[name];

    test(`${name}: a line of depth that is missing is a gap; the book comes back by quotes, never wrong`, async () => {
      const { capture, book, changes, compared, wrong, crossed } = await outcome(
        text.toSpliced(depthLine(text, 5), 1),
      );
      expect(capture.rejected).toBe(0);
      expect(book.counters).toMatchObject({ gap: 1, resyncs: 1, duplicate: 0, out_of_order: 0, diverged: 0 });
      expect(reasons(changes).slice(0, 4)).toEqual(['snapshot', 'ahead', 'gap', 'confirmed']);
      expect(compared).toBeGreaterThan(5);
      expect({ wrong, crossed }).toEqual({ wrong: 0, crossed: 0 });
    });

    test(`${name}: a line of depth that comes twice is a duplicate and changes nothing`, async () => {
      const at = depthLine(text, 5);
      const { book, changes, wrong } = await outcome(text.toSpliced(at, 0, text[at]!));
      expect(book.counters).toMatchObject({ duplicate: 1, gap: 0, out_of_order: 0, resyncs: 0 });
      expect(reasons(changes)).toEqual(['snapshot']);
      expect(wrong).toBe(0);
    });

    test(`${name}: two lines of depth that changed places are mended`, async () => {
      const [a, b] = [depthLine(text, 5), depthLine(text, 6)];
      const { book, changes, wrong } = await outcome(text.with(a, text[b]!).with(b, text[a]!));
      expect(book.counters).toMatchObject({ out_of_order: 1, gap: 0, duplicate: 0, resyncs: 0 });
      expect(reasons(changes)).toEqual(['snapshot', 'ahead', 'reordered']);
      expect(wrong).toBe(0);
    });

    test(`${name}: a line of depth that is not readable is counted with its place, and is a gap`, async () => {
      const at = depthLine(text, 5);
      const { capture, book } = await outcome(text.with(at, text[at]!.replace('"u":', '"u"')));
      expect(capture).toMatchObject({ rejected: 1, reasons: { 'not JSON': 1 } });
      expect(capture.refused).toEqual([{ line: at + 1, reason: 'not JSON' }]);
      expect(book.counters).toMatchObject({ gap: 1, resyncs: 1 });
    });

    test(`${name}: a price of the snapshot that was changed on the way and crosses the book is not served`, async () => {
      const at = text.findIndex((line) => line.includes('lastUpdateId'));
      expect(text[at]).toContain('"bids":[["618');
      const changed = text[at]!.replace('"bids":[["618', '"bids":[["628');
      const { book, changes, wrong, crossed } = await outcome(text.with(at, changed));
      expect(book.counters).toMatchObject({ crossed: 1, resyncs: 1 });
      expect(changes[0]).toMatchObject({ from: 'waiting', to: 'broken', reason: 'crossed' });
      expect({ wrong, crossed }).toEqual({ wrong: 0, crossed: 0 });
    });

    test(`${name}: a size that was changed on the way contradicts the quote of its update`, async () => {
      const { at, changed } = otherSize(text);
      const { book, changes, wrong } = await outcome(text.with(at, changed));
      expect(book.counters).toMatchObject({ diverged: 1, resyncs: 1, gap: 0 });
      expect(reasons(changes).slice(0, 3)).toEqual(['snapshot', 'diverged', 'confirmed']);
      expect(wrong).toBe(0);
    });

    test(`${name}: a file that ends in the middle of a line loses that line only`, async () => {
      const at = depthLine(text, 5);
      const cut = [...text.slice(0, at), text[at]!.slice(0, 100)];
      const { capture, book } = await outcome(cut);
      expect(capture).toMatchObject({ lines: at + 1, rejected: 1, reasons: { 'not JSON': 1 } });
      expect(book.state).toBe('live');
    });

    test(`${name}: without its snapshot the book is live by quotes alone`, async () => {
      const { book, changes, wrong, crossed } = await outcome(
        text.filter((line) => !line.includes('lastUpdateId')),
      );
      expect(reasons(changes)[0]).toBe('confirmed');
      expect(book.counters).toMatchObject({ snapshots: 0, gap: 0, diverged: 0 });
      expect({ wrong, crossed }).toEqual({ wrong: 0, crossed: 0 });
    });
  }

  test('deltas that stop while quotes go on make the book stale', async () => {
    const text = lines.futures!.slice(0, 20_000);
    const at = depthLine(text, 20);
    const silent = text.filter((line, i) => i < at || !line.includes('depthUpdate'));
    const { book, changes } = await outcome(silent);
    expect(reasons(changes)).toEqual(['snapshot', 'silent']);
    expect(book.state).toBe('stale');
    expect(book.top()).toBeNull();
  });

  test('a gzip file that is cut gives what came before, and says so', async () => {
    const bytes = gzipLines(whole.futures);
    const { capture, records } = await read(inPieces(bytes.subarray(0, bytes.length / 2)));
    expect(capture.damaged).toBe('the gzip stream is cut or damaged');
    expect(records.length).toBeGreaterThan(SLICE / 3);
    // The last line is cut as well.
    expect(capture.rejected).toBeLessThanOrEqual(1);
    const full = await read(inPieces(bytes));
    expect(full.records.slice(0, records.length)).toEqual(records);
    expect(full.capture.damaged).toBeNull();
  });

  test('records are the same whatever pieces a file comes in', async () => {
    const bytes = Buffer.from(whole.spot.slice(0, 300).join('\n'));
    const { records } = await read(inPieces(bytes));
    for (const size of [1, 7, 1000]) expect((await read(inPieces(bytes, size))).records).toEqual(records);
  });
});

describe('lines', () => {
  const at = '1723161255088176367 ';
  const wrap = (data: unknown) => at + JSON.stringify({ stream: 'x', data });
  const trade = { e: 'trade', E: 5, T: 4, s: 'AB', t: 7, p: '1.50', q: '2', m: true };
  const depth = { e: 'depthUpdate', E: 5, s: 'AB', U: 1, u: 2, b: [['1.5', '2']], a: [] };
  const ticker = { u: 3, s: 'AB', b: '1', B: '2', a: '3', A: '4' };

  test('keep the receive time to the microsecond, and as it was written', async () => {
    const { records } = await readLines([wrap(trade)], { symbol: 'AB-USD', source: 'file' });
    expect(records).toEqual([
      {
        kind: 'trade',
        symbol: 'AB-USD',
        source: 'file',
        tsEventUs: 4000,
        tsReceiveUs: 1723161255088176,
        tsReceiveText: '1723161255088176367',
        sequence: 7,
        flags: 0,
        scale: { price: 1, size: 0 },
        price: 15,
        size: 2,
        side: 'sell',
        id: '7',
      },
    ]);
  });

  test('of a symbol share a scale that grows, each record being of one', async () => {
    const more = {
      ...depth,
      b: [
        ['1.5', '2'],
        ['1.25', '0.125'],
      ],
    };
    const { records } = await readLines([wrap(trade), wrap(more), wrap(ticker)]);
    expect(records.map((record) => record.scale)).toEqual([
      { price: 1, size: 0 },
      { price: 2, size: 3 },
      { price: 2, size: 3 },
    ]);
    expect(records[1]).toMatchObject({ bids: [150, 2000, 125, 125] });
  });

  test('that are no records are counted by reason, with the first places, and the rest is read', async () => {
    const bad: [string, string][] = [
      ['nonsense', 'no receive time in nanoseconds'],
      [`12 ${JSON.stringify(depth)}`, 'no receive time in nanoseconds'],
      [at.trim(), 'not JSON'],
      [`${at}{"stream":"x","data":`, 'not JSON'],
      [`${at}[1]`, 'message: no object'],
      [`${at}{"stream":"x","data":null}`, 'data: no object'],
      [wrap({ e: 'kline', s: 'AB' }), 'unknown event'],
      [wrap({ ...trade, s: 5 }), 'symbol: no name'],
      [wrap({ ...trade, p: '-1' }), 'price: not above 0, or not exact'],
      [wrap({ ...trade, p: '0.0' }), 'price: not above 0, or not exact'],
      [wrap({ ...trade, p: '12345678901234567890' }), 'price: not above 0, or not exact'],
      [wrap({ ...trade, p: '0x1' }), 'price: no decimal'],
      [wrap({ ...trade, q: '' }), 'size: no decimal'],
      [wrap({ ...trade, t: 2 ** 60 }), 'id: more than 2^53'],
      [wrap({ ...trade, T: 'now' }), 'time: no whole number'],
      [wrap({ ...trade, m: undefined }), 'm: no side'],
      [wrap({ ...depth, b: {} }), 'levels: no list'],
      [wrap({ ...depth, b: [['1']] }), 'size: no decimal'],
      [wrap({ ...depth, u: 'two' }), 'u: no whole number'],
      [wrap(depth).replace('"U":1', '"U":01'), 'not JSON'],
      [`${wrap(depth)} `.replace('}} ', '}}}'), 'not JSON'],
      [`${at}{"lastUpdateId":5,"bids":[],"asks":[]}`, 'snapshot before any message that names its symbol'],
    ];
    const { capture, records } = await readLines([...bad.map(([line]) => line).reverse(), wrap(depth)]);
    expect(records).toHaveLength(1);
    expect(capture.lines).toBe(bad.length + 1);
    const counted: Record<string, number> = {};
    for (const [, reason] of bad) counted[reason] = (counted[reason] ?? 0) + 1;
    // The snapshot comes first here, so that no line before it names a symbol.
    expect(capture.reasons).toEqual(counted);
    expect(capture.refused[0]).toEqual({
      line: 1,
      reason: 'snapshot before any message that names its symbol',
    });
  });

  test('a snapshot in a capture of two symbols belongs to neither', async () => {
    const { capture } = await readLines([
      wrap(trade),
      wrap({ ...trade, s: 'CD' }),
      `${at}{"lastUpdateId":5,"bids":[],"asks":[]}`,
    ]);
    expect(capture.reasons).toEqual({ 'snapshot in a capture of several symbols': 1 });
  });

  test('that are too long are refused without being kept, and the next is read', async () => {
    const endless = (async function* () {
      yield Buffer.from(`${wrap(trade)}\n${at}{"a":"`);
      for (let i = 0; i < 1000; i++) yield Buffer.alloc(10_000, 'x');
      yield Buffer.from(`"}\n${wrap(trade)}`);
    })();
    const { capture, records } = await read(endless, { maxLine: 5000 });
    expect(records).toHaveLength(2);
    expect(capture.reasons).toEqual({ 'a line that is too long': 1 });
    expect(capture.refused).toEqual([{ line: 2, reason: 'a line that is too long' }]);
  });

  test('more bytes than allowed end the reading, compressed ones counted as what they become', async () => {
    const bomb = gzipLines([wrap({ ...trade, x: 'y'.repeat(1_000_000) })]);
    expect(bomb.length).toBeLessThan(10_000);
    await expect(read(inPieces(bomb), { maxBytes: 500_000 })).rejects.toBeInstanceOf(TooLargeError);
  });
});
