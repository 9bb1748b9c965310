// Hot path: a recording of a venue on its way to everybody, as in an import, a replay or live. A regression means more work for each record:
// in the scan of lines, in the book, in the gate, in rows and bodies.
import { gunzipSync } from 'node:zlib';
import { BinanceCapture } from '../../engines/marketdata/files/binance-capture.ts';
import { OrderBook } from '../../src/market/book/order-book.ts';
import { bookRuleOf } from '../../src/market/book/rules.ts';
import { sharedData } from '../../test/shared-data.ts';
import { comparePairs } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { CapturePipeline } from './capture-pipeline.ts';

const PAIRS = isQuick ? 15 : 21;
const LINES = 93_954;
const REACH_S = 1;

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

const records = (packed: Uint8Array) => new BinanceCapture({ maxBytes: 1e9 }).records(inPieces(packed));

async function built(packed: Uint8Array): Promise<OrderBook> {
  const book = new OrderBook({ rule: bookRuleOf('binance-usdm') });
  for await (const batch of records(packed)) {
    for (const record of batch) if (record.kind !== 'trade') book.apply(record);
  }
  return book;
}

/** The least that gives a book: JSON of every line, a map for each side, nothing checked and no record kept. */
function plain(packed: Uint8Array): { bids: Map<number, number>; asks: Map<number, number> } {
  const bids = new Map<number, number>();
  const asks = new Map<number, number>();
  const change = (side: Map<number, number>, levels: readonly [string, string][]) => {
    for (const [price, size] of levels) {
      if (Number(size) === 0) side.delete(Number(price));
      else side.set(Number(price), Number(size));
    }
  };
  for (const line of gunzipSync(packed).toString().split('\n')) {
    if (line === '') continue;
    const message = JSON.parse(line.slice(line.indexOf(' ') + 1));
    const { data = message } = message;
    if (data.lastUpdateId) {
      bids.clear();
      asks.clear();
      change(bids, data.bids);
      change(asks, data.asks);
    } else if (data.e === 'depthUpdate') {
      change(bids, data.b);
      change(asks, data.a);
    }
  }
  return { bids, asks };
}

async function measure(path: string): Promise<string[][]> {
  const packed = await Bun.file(path).bytes();
  const top = (await built(packed)).top()!;
  const { bids, asks } = plain(packed);
  const [bid, ask] = [Math.max(...bids.keys()), Math.min(...asks.keys())];
  if (top.bid / 10 !== bid || top.ask / 10 !== ask) throw new Error('The two books differ');
  const pipeline = await CapturePipeline.open();
  const rows: string[][] = [];
  const add = async (name: string, ours: () => Promise<unknown>, note: (seconds: number) => string) => {
    const result = await comparePairs({ name, pairs: PAIRS, a: ours, b: () => plain(packed) });
    rows.push(pairRow(result, 'gunzip, JSON.parse, two Maps', note(result.aNs / 1e9)));
  };
  const rate = (seconds: number) => `${grouped(LINES / seconds)} lines a second`;
  await add(
    'records and book',
    () => built(packed),
    (seconds) => rate(seconds),
  );
  await add(
    'records, book, gate, choice of source, topics',
    async () => {
      const published = await pipeline.run(records(packed));
      if (published < LINES - 10) throw new Error(`Expected all records published, were ${published}`);
    },
    (seconds) => `${rate(seconds)}; reach ${REACH_S} s ${seconds < REACH_S ? 'held' : 'missed'}`,
  );
  await pipeline.close();
  return rows;
}

const path = sharedData('captures/binance-usdm-btcusdt-20240808.gz');
publish({
  title: 'A capture of Binance futures',
  note:
    path === null
      ? 'Not measured: this machine has no ../shared/data.'
      : `${grouped(LINES)} lines of gzip: trades, best quotes, changes of depth. The rival does less: it checks nothing and keeps no trade and no quote.`,
  columns: PAIR_COLUMNS,
  rows: path === null ? [] : await measure(path),
});
