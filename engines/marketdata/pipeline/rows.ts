// Records as the market topics carry them: decimal text, names of flags.
import type { BodyOf, topics } from '../../../src/bus/topics.ts';
import { flagNames } from '../../../src/market/flags.ts';
import type {
  BarRecord,
  BookDelta,
  CorporateAction,
  Fundamental,
  Funding,
  InstrumentRecord,
  Levels,
  MacroPoint,
  MarketRecord,
  Quote,
  Trade,
} from '../../../src/market/records.ts';
import { decimalText, type Scale } from '../../../src/market/scale.ts';

type TradeRow = BodyOf<typeof topics.marketTrades>['trades'][number];
type QuoteRow = BodyOf<typeof topics.marketQuotes>['quotes'][number];
type DeltaRow = BodyOf<typeof topics.marketBooks>['deltas'][number];
type BarRow = BodyOf<typeof topics.marketBars>['bars'][number];
type LiveBar = BodyOf<typeof topics.marketLiveData>;

// One list for all records of the same flags, which nobody can change: nearly all have none, or where a clock is wrong the same one.
const NAMES = new Map<number, string[]>();

function names(flags: number): string[] {
  let list = NAMES.get(flags);
  if (list === undefined) {
    list = Object.freeze(flagNames(flags)) as readonly string[] as string[];
    NAMES.set(flags, list);
  }
  return list;
}

function stamp({ tsEventUs, tsReceiveUs, sequence, flags }: MarketRecord) {
  return {
    ts_event_us: tsEventUs,
    ts_receive_us: tsReceiveUs,
    sequence,
    flags: names(flags),
  };
}

// Whole literals here and in the next one: they are written for every trade and quote.
export function tradeRow(record: Trade): TradeRow {
  const { scale } = record;
  return {
    ts_event_us: record.tsEventUs,
    ts_receive_us: record.tsReceiveUs,
    sequence: record.sequence,
    flags: names(record.flags),
    price: decimalText(record.price, scale.price),
    size: decimalText(record.size, scale.size),
    side: record.side,
    id: record.id,
  };
}

export function quoteRow(record: Quote): QuoteRow {
  const { scale, bid, ask } = record;
  return {
    ts_event_us: record.tsEventUs,
    ts_receive_us: record.tsReceiveUs,
    sequence: record.sequence,
    flags: names(record.flags),
    bid: bid === 0 ? null : decimalText(bid, scale.price),
    bid_size: bid === 0 ? null : decimalText(record.bidSize, scale.size),
    ask: ask === 0 ? null : decimalText(ask, scale.price),
    ask_size: ask === 0 ? null : decimalText(record.askSize, scale.size),
  };
}

/** Price and size by turns as decimal text, at most `depth` levels. */
export function levelTexts(levels: Levels, scale: Scale, depth = levels.length / 2): string[] {
  const end = Math.min(levels.length, depth * 2);
  const texts = new Array<string>(end);
  for (let i = 0; i < end; i += 2) {
    texts[i] = decimalText(levels[i]!, scale.price);
    texts[i + 1] = decimalText(levels[i + 1]!, scale.size);
  }
  return texts;
}

export function deltaRow(record: BookDelta): DeltaRow {
  return {
    ...stamp(record),
    first_sequence: record.firstSequence,
    bids: levelTexts(record.bids, record.scale),
    asks: levelTexts(record.asks, record.scale),
  };
}

/** A bar of time as `market.live_data` carries it. */
export function liveBar(record: BarRecord, source: string): LiveBar {
  const { symbol, tsEventUs, interval, open, high, low, close, volume } = record;
  return { symbol, ts_event_us: tsEventUs, interval_us: interval, open, high, low, close, volume, source };
}

export function barRow(record: BarRecord): BarRow {
  const { open, high, low, close, volume, trades } = record;
  return { ...stamp(record), open, high, low, close, volume, trades };
}

export function instrumentRow(record: InstrumentRecord) {
  return {
    ...stamp(record),
    native_symbol: record.nativeSymbol,
    venue: record.venue,
    asset_class: record.assetClass,
    base: record.base,
    quote: record.quote,
    tick_size: record.tickSize,
    lot_size: record.lotSize,
    status: record.status,
  };
}

export function actionRow(record: CorporateAction) {
  const { action, ratio, amount, renamedTo } = record;
  return { ...stamp(record), action, ratio, amount, renamed_to: renamedTo };
}

export function fundingRow(record: Funding) {
  const { rate, intervalUs, markPrice } = record;
  return { ...stamp(record), rate, interval_us: intervalUs, mark_price: markPrice };
}

export function macroRow(record: MacroPoint) {
  return { ...stamp(record), value: record.value, as_of_us: record.asOfUs };
}

export function factRow(record: Fundamental) {
  const { concept, unit, value, periodStartUs, periodEndUs, asOfUs, form, accession } = record;
  return {
    ...stamp(record),
    concept,
    unit,
    value,
    period_start_us: periodStartUs,
    period_end_us: periodEndUs,
    as_of_us: asOfUs,
    form,
    accession,
  };
}
