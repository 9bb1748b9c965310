// One line of a Binance capture, `<receive time in ns> <message as JSON>`, as a record of the market.
import type { BookDelta, BookSnapshot, Quote, Trade } from '../../../src/market/records.ts';
import { type Reading, readDepth, readStream } from '../sources/binance/messages.ts';
import { scanLine } from '../sources/binance/scan.ts';
import { SPOT, USDM, type Venue } from '../sources/binance/venue.ts';
import { type Fields, objectOf, Unreadable } from '../sources/net/fields.ts';
import { Scales } from '../sources/scales.ts';

/** What a capture holds. */
export type CaptureRecord = Trade | Quote | BookDelta | BookSnapshot;

export interface CaptureNames {
  /** Symbol of all records instead of the venue's own. */
  readonly symbol?: string | undefined;
  /** Source of all records instead of `binance` (spot) and `binance-usdm` (USD-M futures), which the messages tell apart. */
  readonly source?: string | undefined;
}

const RECEIVE_TIME = /^\d{19}$/;
const SPACE = 32;
const EVENTS: ReadonlySet<unknown> = new Set(['trade', 'aggTrade', 'bookTicker', 'depthUpdate', undefined]);

/**
 * Reads lines of a capture: trades, best quotes and changes of depth of spot and USD-M futures as their streams send them, and snapshots as
 * `GET depth` answers them. A snapshot names no symbol: its is the one of the lines before. A message means what the live source of the venue
 * takes it for ({@link readStream}); lines as the venue writes them are scanned without parsing JSON, with the same result.
 */
export class BinanceLines {
  readonly #names: CaptureNames;
  readonly #scales = new Scales();
  // The first symbol, and whether there are others: a snapshot asks for no more.
  #first: string | undefined;
  #several = false;
  readonly #scanned: { symbol: (native: string) => string; scales: Scales; source: (venue: Venue) => string };
  // The market of messages that both have in the same form.
  #venue = SPOT;

  constructor(names: CaptureNames = {}) {
    this.#names = names;
    const symbol = (native: string): string => {
      const own = names.symbol ?? native;
      if (this.#first === undefined) this.#first = own;
      else if (this.#first !== own) this.#several = true;
      return own;
    };
    this.#scanned = { symbol, scales: this.#scales, source: (venue) => names.source ?? venue.id };
  }

  /** Returns the record of the line between two places of `bytes`, or the reason why it is none. */
  read(bytes: Buffer, from: number, to: number): CaptureRecord | string {
    return scanLine(bytes, from, to, this.#scanned) ?? this.parse(bytes, from, to);
  }

  /** Returns the same by parsing the JSON: the way of every line that is not written as the venue does. */
  parse(bytes: Buffer, from: number, to: number): CaptureRecord | string {
    try {
      const space = bytes.indexOf(SPACE, from);
      const end = space < 0 || space > to ? to : space;
      const received = bytes.toString('latin1', from, end);
      if (!RECEIVE_TIME.test(received)) throw new Unreadable('no receive time in nanoseconds');
      const message = parsed(bytes.toString('utf8', end + 1, to));
      const data = message.stream === undefined ? message : objectOf(message.data, 'data');
      const record = this.#record(data, Number(received.slice(0, -3)));
      return { ...record, source: this.#names.source ?? record.source, tsReceiveText: received };
    } catch (error) {
      if (error instanceof Unreadable) return error.message;
      throw error;
    }
  }

  #record(data: Fields, receivedUs: number): CaptureRecord {
    if (data.lastUpdateId !== undefined) {
      const symbol = this.#only();
      return readDepth(data, symbol, this.#reading(data.E === undefined ? SPOT : USDM), receivedUs);
    }
    if (!EVENTS.has(data.e)) throw new Unreadable('unknown event');
    const [record] = readStream(data, this.#reading(marketOf(data) ?? this.#venue), receivedUs);
    return record as CaptureRecord;
  }

  #reading(venue: Venue): Reading {
    this.#venue = venue;
    return { venue, scales: this.#scales, symbolOf: this.#scanned.symbol };
  }

  #only(): string {
    const { symbol } = this.#names;
    if (symbol !== undefined) return symbol;
    if (this.#first === undefined) throw new Unreadable('snapshot before any message that names its symbol');
    if (this.#several) throw new Unreadable('snapshot in a capture of several symbols');
    return this.#first;
  }
}

// Futures name the event of best quotes, the update before a change of depth, and the kind of the order of a trade; spot does not.
function marketOf(data: Fields): Venue | null {
  switch (data.e) {
    case 'depthUpdate':
      return data.pu === undefined ? SPOT : USDM;
    case 'trade':
      return data.X === undefined ? SPOT : USDM;
    case 'aggTrade':
      return null;
    default:
      return data.e === undefined ? SPOT : USDM;
  }
}

function parsed(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Unreadable('not JSON');
  }
  return objectOf(value);
}
