// One line of a Binance capture, `<receive time in ns> <message as JSON>`, as a record of the market.
import { GrowingScale } from '../../../src/market/growing-scale.ts';
import type { BookDelta, BookSnapshot, Quote, Trade } from '../../../src/market/records.ts';
import type { Scale } from '../../../src/market/scale.ts';

/** What a capture holds. */
export type CaptureRecord = Trade | Quote | BookDelta | BookSnapshot;

export interface CaptureNames {
  /** Symbol of all records instead of the venue's own. */
  readonly symbol?: string | undefined;
  /** Source of all records instead of `binance` (spot) and `binance-usdm` (USD-M futures), which the messages tell apart. */
  readonly source?: string | undefined;
}

/** Symbols that one capture may have; more are refused line by line. */
const MAX_SYMBOLS = 10_000;
const RECEIVE_DIGITS = 19;

/** A message of a stream, or a snapshot of the REST interface. */
type Message = Readonly<Record<string, unknown>>;

/** A line that is no record; its message is the reason that is counted. */
class Unreadable extends Error {}

/**
 * Reads lines of a capture. Messages that are known: `trade`, `bookTicker` and `depthUpdate` of spot and USD-M futures, and depth snapshots
 * as the REST interface answers them. Snapshots name no symbol: theirs is that of the lines before.
 */
export class BinanceLines {
  readonly #names: CaptureNames;
  readonly #scales = new Map<string, GrowingScale>();

  constructor(names: CaptureNames = {}) {
    this.#names = names;
  }

  /** Returns the record of a line, or the reason why it is none. */
  read(line: string): CaptureRecord | string {
    try {
      const space = line.indexOf(' ');
      const text = line.slice(0, space);
      const receiveUs = receiveTime(text);
      const message = parsed(line, space + 1);
      const data = 'stream' in message ? objectOf(message.data) : message;
      return this.#record(data, receiveUs, text);
    } catch (error) {
      if (error instanceof Unreadable) return error.message;
      throw error;
    }
  }

  #record(data: Message, tsReceiveUs: number, tsReceiveText: string): CaptureRecord {
    switch (data.e) {
      case 'depthUpdate':
        return this.#delta(data, tsReceiveUs, tsReceiveText);
      case 'trade':
        return this.#trade(data, tsReceiveUs, tsReceiveText);
      case 'bookTicker':
        return this.#quote(data, tsReceiveUs, tsReceiveText);
      default:
        if (data.lastUpdateId !== undefined) return this.#snapshot(data, tsReceiveUs, tsReceiveText);
        // Spot's best quotes name no event.
        if (data.e === undefined && data.A !== undefined)
          return this.#quote(data, tsReceiveUs, tsReceiveText);
        throw new Unreadable('unknown message');
    }
  }

  #delta(data: Message, tsReceiveUs: number, tsReceiveText: string): BookDelta {
    const symbol = symbolOf(data);
    const futures = data.pu !== undefined;
    const exact = this.#exactly(symbol, (scale) => ({
      bids: levels(data.b, scale),
      asks: levels(data.a, scale),
    }));
    return {
      kind: 'book_delta',
      symbol: this.#names.symbol ?? symbol,
      source: this.#source(futures),
      tsEventUs: eventTime(data.T ?? data.E),
      tsReceiveUs,
      tsReceiveText,
      sequence: wholeNumber(data.u),
      flags: 0,
      scale: exact.scale,
      firstSequence: wholeNumber(data.U),
      previousSequence: futures ? wholeNumber(data.pu) : null,
      bids: exact.value.bids,
      asks: exact.value.asks,
      checksum: null,
    };
  }

  #snapshot(data: Message, tsReceiveUs: number, tsReceiveText: string): BookSnapshot {
    const symbol = this.#only();
    const futures = data.E !== undefined;
    const exact = this.#exactly(symbol, (scale) => ({
      bids: levels(data.bids, scale),
      asks: levels(data.asks, scale),
    }));
    return {
      kind: 'book_snapshot',
      symbol: this.#names.symbol ?? symbol,
      source: this.#source(futures),
      tsEventUs: futures ? eventTime(data.T ?? data.E) : tsReceiveUs,
      tsReceiveUs,
      tsReceiveText,
      sequence: wholeNumber(data.lastUpdateId),
      flags: 0,
      scale: exact.scale,
      bids: exact.value.bids,
      asks: exact.value.asks,
      checksum: null,
    };
  }

  #trade(data: Message, tsReceiveUs: number, tsReceiveText: string): Trade {
    const symbol = symbolOf(data);
    const exact = this.#exactly(symbol, (scale) => ({
      price: scale.price(textOf(data.p)),
      size: scale.size(textOf(data.q)),
    }));
    if (typeof data.m !== 'boolean') throw new Unreadable('trade without a side');
    const id = wholeNumber(data.t);
    return {
      kind: 'trade',
      symbol: this.#names.symbol ?? symbol,
      // Only futures say what kind of order it was.
      source: this.#source(data.X !== undefined),
      tsEventUs: eventTime(data.T),
      tsReceiveUs,
      tsReceiveText,
      sequence: id,
      flags: 0,
      scale: exact.scale,
      price: positive(exact.value.price),
      size: notNegative(exact.value.size),
      // `m`: the buyer was there before, so that the seller took.
      side: data.m ? 'sell' : 'buy',
      id: String(id),
    };
  }

  #quote(data: Message, tsReceiveUs: number, tsReceiveText: string): Quote {
    const symbol = symbolOf(data);
    const futures = data.e !== undefined;
    const exact = this.#exactly(symbol, (scale) => ({
      bid: scale.price(textOf(data.b)),
      bidSize: scale.size(textOf(data.B)),
      ask: scale.price(textOf(data.a)),
      askSize: scale.size(textOf(data.A)),
    }));
    const { bid, bidSize, ask, askSize } = exact.value;
    return {
      kind: 'quote',
      symbol: this.#names.symbol ?? symbol,
      source: this.#source(futures),
      tsEventUs: futures ? eventTime(data.T ?? data.E) : tsReceiveUs,
      tsReceiveUs,
      tsReceiveText,
      sequence: wholeNumber(data.u),
      flags: 0,
      scale: exact.scale,
      bid: notNegative(bid),
      bidSize: notNegative(bidSize),
      ask: notNegative(ask),
      askSize: notNegative(askSize),
    };
  }

  #source(futures: boolean): string {
    return this.#names.source ?? (futures ? 'binance-usdm' : 'binance');
  }

  // All integers of a record are of one scale: when it grew in the middle they are made again.
  #exactly<T>(symbol: string, make: (scale: GrowingScale) => T): { value: T; scale: Scale } {
    const growing = this.#scaleOf(symbol);
    for (;;) {
      const scale = growing.scale;
      const value = make(growing);
      if (growing.scale === scale) return { value, scale };
    }
  }

  #scaleOf(symbol: string): GrowingScale {
    let scale = this.#scales.get(symbol);
    if (!scale) {
      if (this.#scales.size >= MAX_SYMBOLS) throw new Unreadable('too many symbols');
      scale = new GrowingScale();
      this.#scales.set(symbol, scale);
    }
    return scale;
  }

  #only(): string {
    if (this.#names.symbol !== undefined && this.#scales.size === 0) return this.#names.symbol;
    const [symbol, ...others] = this.#scales.keys();
    if (symbol === undefined) throw new Unreadable('snapshot before any message that names its symbol');
    if (others.length > 0) throw new Unreadable('snapshot in a capture of several symbols');
    return symbol;
  }
}

function receiveTime(text: string): number {
  if (text.length !== RECEIVE_DIGITS || !/^\d+$/.test(text))
    throw new Unreadable('no receive time in nanoseconds');
  return Number(text.slice(0, -3));
}

function parsed(line: string, from: number): Message {
  try {
    return objectOf(JSON.parse(line.slice(from)));
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable('not JSON');
  }
}

function objectOf(value: unknown): Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Unreadable('not a message');
  return value as Message;
}

function symbolOf(data: Message): string {
  const symbol = data.s;
  if (typeof symbol !== 'string' || symbol === '' || symbol.length > 64) throw new Unreadable('no symbol');
  return symbol;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Unreadable('a number that is no decimal text');
  return value;
}

function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new Unreadable('a sequence that is no whole number');
  return value as number;
}

function eventTime(value: unknown): number {
  if (
    !Number.isSafeInteger(value) ||
    (value as number) < 0 ||
    (value as number) > Number.MAX_SAFE_INTEGER / 1000
  )
    throw new Unreadable('no event time in milliseconds');
  return (value as number) * 1000;
}

function positive(ticks: number): number {
  if (!(ticks > 0)) throw new Unreadable('a price that is no positive decimal');
  return ticks;
}

function notNegative(ticks: number): number {
  if (!(ticks >= 0)) throw new Unreadable('a price or size that is no decimal of 0 or more');
  return ticks;
}

function levels(value: unknown, scale: GrowingScale): number[] {
  if (!Array.isArray(value)) throw new Unreadable('levels that are no list');
  const flat = new Array<number>(value.length * 2);
  for (let i = 0; i < value.length; i++) {
    const level = value[i];
    if (!Array.isArray(level) || level.length < 2) throw new Unreadable('a level that is no price and size');
    flat[2 * i] = positive(scale.price(textOf(level[0])));
    flat[2 * i + 1] = notNegative(scale.size(textOf(level[1])));
  }
  return flat;
}
