// Messages of Binance as the venue writes them, read byte by byte: several times faster than by JSON, and only where that is certain.
import type { BookDelta, Quote, Trade } from '../../../../src/market/records.ts';
import { MAX_DECIMALS, type Scale } from '../../../../src/market/scale.ts';
import { type Reading, timeUs } from './messages.ts';
import { SPOT, USDM, type Venue } from './venue.ts';

/** What a scan needs to know of a stream or a capture. */
export interface ScanNames {
  /** Symbol of a native one; undefined when nobody wants it. */
  symbol(native: string): string | undefined;
  /** The scale of a symbol as it is now. */
  readonly scales: { now(symbol: string): Scale | undefined };
  /** Source of messages in the form of a market; null where it writes no such messages. */
  source(venue: Venue): string | null;
}

/** A record that a scan finds. */
export type Scanned = Trade | Quote | BookDelta;

/** Returns what a scan needs for the messages of one market. */
export function scanNames({ venue, scales, symbolOf }: Reading): ScanNames {
  return { symbol: symbolOf, scales, source: ({ id }) => (id === venue.id ? id : null) };
}

const QUOTE = 34;
const COMMA = 44;
const POINT = 46;
const ZERO = 48;
const OPEN = 91;
const BACKSLASH = 92;
const MAX_SYMBOL = 64;
/** Digits of which every integer is exact. */
const EXACT_DIGITS = 15;
const RECEIVE_DIGITS = 19;
const POWERS = Array.from({ length: MAX_DECIMALS + 1 }, (_, n) => 10 ** n);

const key = (text: string) => Buffer.from(text, 'latin1');
const SPACE = key(' ');
const STREAM = key('{"stream":"');
const DATA = key('","data":{"');
const DEPTH = key('e":"depthUpdate","E":');
const TRADE = key('e":"trade","E":');
const FUTURES_QUOTE = key('e":"bookTicker","u":');
const SPOT_QUOTE = key('u":');
const TIME = key(',"T":');
const TIME_AFTER_TEXT = key('","T":');
const EVENT = key(',"E":');
const SYMBOL = key(',"s":"');
const FIRST = key('","U":');
const LAST = key(',"u":');
const PREVIOUS = key(',"pu":');
const BIDS = key(',"b":[');
const ASKS = key('],"a":[');
const LEVELS_END = key(']}}');
const SIZE_OF_LEVEL = key('","');
const LEVEL_END = key('"]');
const BID = key('","b":"');
const BID_SIZE = key('","B":"');
const ASK = key('","a":"');
const ASK_SIZE = key('","A":"');
const ID = key('","t":');
const PRICE = key(',"p":"');
const SIZE = key('","q":"');
const ORDER = key('","X":"');
const MAKER = key(',"m":');
const MAKER_AFTER_TEXT = key('","m":');
const TRUE = key('true');
const FALSE = key('false');
const BEST_MATCH = key(',"M":true');
const END = key('}}');
const END_AFTER_TEXT = key('"}}');

// What a line throws that is written in another way. No error: it is no failure, and has no stack to be made.
const ANOTHER_WAY = Symbol('another way');

// The place of the scan: messages are read one at a time, each to its end.
let bytes: Buffer = Buffer.alloc(0);
let at = 0;
let end = 0;
// Levels of the line: an array that grows with each line would be copied several times.
const room: number[] = [];
// The symbol of the line before, as bytes and as text: mostly that of the next line as well.
let lastName = '';
let lastSymbol: Buffer = Buffer.alloc(0);

/**
 * Returns the record of the line of a capture between two places, `<receive time in ns> <message>`, or null for one that is written in any other way
 * than the streams of the venue do (other keys, another order, spaces, escapes), whose symbol comes for the first time or is not wanted, or that
 * needs more decimals than its symbol has so far.
 */
export function scanLine(line: Buffer, from: number, to: number, names: ScanNames): Scanned | null {
  begin(line, from, to);
  try {
    const us = receiveUs();
    const received = bytes.toString('latin1', from, at);
    need(SPACE);
    return record(us, received, names);
  } catch (reason) {
    return nothing(reason);
  }
}

const encoder = new TextEncoder();
// Longer messages, of some thousand levels, are left to JSON: a UTF-16 unit is at most three bytes.
const MAX_TEXT = 65_536;
const scratch = Buffer.alloc(3 * MAX_TEXT);

/** Returns the record of a message of a stream by the rules of {@link scanLine}. */
export function scanText(text: string, receivedUs: number, names: ScanNames): Scanned | null {
  if (text.length > MAX_TEXT) return null;
  begin(scratch, 0, encoder.encodeInto(text, scratch).written);
  try {
    return record(receivedUs, undefined, names);
  } catch (reason) {
    return nothing(reason);
  }
}

function begin(line: Buffer, from: number, to: number): void {
  bytes = line;
  at = from;
  end = to;
}

function nothing(reason: unknown): null {
  if (reason === ANOTHER_WAY) return null;
  throw reason;
}

function record(us: number, received: string | undefined, names: ScanNames): Scanned {
  need(STREAM);
  toQuote();
  need(DATA);
  if (skip(FUTURES_QUOTE)) return quote(USDM, us, received, names);
  if (skip(SPOT_QUOTE)) return quote(SPOT, us, received, names);
  if (skip(TRADE)) return trade(us, received, names);
  need(DEPTH);
  return delta(us, received, names);
}

function quote(
  venue: Venue,
  tsReceiveUs: number,
  tsReceiveText: string | undefined,
  names: ScanNames,
): Quote {
  const sequence = whole();
  need(SYMBOL);
  const symbol = symbolOf(names);
  const scale = scaleOf(symbol, names);
  need(BID);
  const bid = decimal(scale.price);
  need(BID_SIZE);
  const bidSize = decimal(scale.size);
  need(ASK);
  const ask = decimal(scale.price);
  need(ASK_SIZE);
  const askSize = decimal(scale.size);
  let tsEventUs = tsReceiveUs;
  if (venue.futures) {
    need(TIME_AFTER_TEXT);
    tsEventUs = timeUs(whole());
    need(EVENT);
    whole();
    last(END);
  } else last(END_AFTER_TEXT);
  return {
    kind: 'quote',
    symbol,
    source: sourceOf(venue, names),
    tsEventUs,
    tsReceiveUs,
    tsReceiveText,
    sequence,
    flags: 0,
    scale,
    bid,
    bidSize,
    ask,
    askSize,
  };
}

function trade(tsReceiveUs: number, tsReceiveText: string | undefined, names: ScanNames): Trade {
  whole();
  const futures = skip(TIME);
  let tsEventUs = futures ? timeUs(whole()) : 0;
  need(SYMBOL);
  const symbol = symbolOf(names);
  const scale = scaleOf(symbol, names);
  need(ID);
  const from = at;
  const sequence = whole();
  const id = bytes.toString('latin1', from, at);
  need(PRICE);
  const price = positive(decimal(scale.price));
  need(SIZE);
  const size = decimal(scale.size);
  if (futures) {
    need(ORDER);
    toQuote();
    need(MAKER_AFTER_TEXT);
  } else {
    need(TIME_AFTER_TEXT);
    tsEventUs = timeUs(whole());
    need(MAKER);
  }
  const maker = skip(TRUE);
  if (!maker) need(FALSE);
  if (!futures) need(BEST_MATCH);
  last(END);
  return {
    kind: 'trade',
    symbol,
    source: sourceOf(futures ? USDM : SPOT, names),
    tsEventUs,
    tsReceiveUs,
    tsReceiveText,
    sequence,
    flags: 0,
    scale,
    price,
    size,
    side: maker ? 'sell' : 'buy',
    id,
  };
}

function delta(tsReceiveUs: number, tsReceiveText: string | undefined, names: ScanNames): BookDelta {
  let time = whole();
  if (skip(TIME)) time = whole();
  need(SYMBOL);
  const symbol = symbolOf(names);
  const scale = scaleOf(symbol, names);
  need(FIRST);
  const firstSequence = whole();
  need(LAST);
  const sequence = whole();
  const previousSequence = skip(PREVIOUS) ? whole() : null;
  need(BIDS);
  const bids = levels(scale);
  need(ASKS);
  const asks = levels(scale);
  last(LEVELS_END);
  return {
    kind: 'book_delta',
    symbol,
    source: sourceOf(previousSequence === null ? SPOT : USDM, names),
    tsEventUs: timeUs(time),
    tsReceiveUs,
    tsReceiveText,
    sequence,
    flags: 0,
    scale,
    firstSequence,
    previousSequence,
    bids,
    asks,
    checksum: null,
  };
}

function levels(scale: Scale): number[] {
  if (bytes[at] !== OPEN) return [];
  for (let i = 0; ; at++) {
    if (bytes[at] !== OPEN || bytes[at + 1] !== QUOTE) throw ANOTHER_WAY;
    at += 2;
    room[i++] = positive(decimal(scale.price));
    need(SIZE_OF_LEVEL);
    room[i++] = decimal(scale.size);
    need(LEVEL_END);
    if (bytes[at] !== COMMA) return room.slice(0, i);
  }
}

/** Nanoseconds of 19 digits, cut to microseconds. */
function receiveUs(): number {
  let us = 0;
  const stop = at + RECEIVE_DIGITS;
  for (let i = at; i < stop; i++) {
    const digit = bytes[i]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) throw ANOTHER_WAY;
    if (i < stop - 3) us = us * 10 + digit;
  }
  at = stop;
  return us;
}

/** A whole number as JSON writes it, from 0 to 2^53. */
function whole(): number {
  const from = at;
  let value = 0;
  for (; ; at++) {
    const digit = bytes[at]! - ZERO;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  const count = at - from;
  if (count === 0 || (count > 1 && bytes[from] === ZERO) || !Number.isSafeInteger(value)) throw ANOTHER_WAY;
  return value;
}

/** A decimal without sign up to the quote after it, as an integer of `decimals`. */
function decimal(decimals: number): number {
  let value = 0;
  let count = 0;
  let left = -1;
  for (; ; at++) {
    const code = bytes[at]!;
    const digit = code - ZERO;
    if (digit >= 0 && digit <= 9) {
      if (left === 0) {
        if (digit !== 0) throw ANOTHER_WAY;
      } else {
        value = value * 10 + digit;
        count++;
        if (left > 0) left--;
      }
    } else if (code === POINT && left < 0 && count > 0) {
      const next = bytes[at + 1]! - ZERO;
      if (!(next >= 0 && next <= 9)) throw ANOTHER_WAY;
      left = decimals;
    } else break;
  }
  if (count === 0 || count > EXACT_DIGITS) throw ANOTHER_WAY;
  value *= POWERS[left < 0 ? decimals : left]!;
  if (value > Number.MAX_SAFE_INTEGER) throw ANOTHER_WAY;
  return value;
}

function positive(value: number): number {
  if (value === 0) throw ANOTHER_WAY;
  return value;
}

function symbolOf(names: ScanNames): string {
  if (lastName !== '' && skip(lastSymbol)) {
    if (bytes[at] === QUOTE) return wanted(names.symbol(lastName));
    at -= lastSymbol.length;
  }
  const from = at;
  toQuote();
  if (at === from || at - from > MAX_SYMBOL) throw ANOTHER_WAY;
  lastName = bytes.toString('latin1', from, at);
  lastSymbol = Buffer.from(lastName, 'latin1');
  return wanted(names.symbol(lastName));
}

function wanted<T>(name: T | undefined | null): T {
  if (name === undefined || name === null) throw ANOTHER_WAY;
  return name;
}

function sourceOf(venue: Venue, names: ScanNames): string {
  return wanted(names.source(venue));
}

function scaleOf(symbol: string, names: ScanNames): Scale {
  const scale = names.scales.now(symbol);
  if (scale === undefined) throw ANOTHER_WAY;
  return scale;
}

/** Goes to the quote that ends a text of plain characters. */
function toQuote(): void {
  for (; ; at++) {
    const code = bytes[at]!;
    if (code === QUOTE) return;
    if (!(code >= 32 && code < 127) || code === BACKSLASH) throw ANOTHER_WAY;
  }
}

function skip(what: Buffer): boolean {
  for (let i = 0; i < what.length; i++) if (bytes[at + i] !== what[i]) return false;
  at += what.length;
  return true;
}

function need(what: Buffer): void {
  if (!skip(what)) throw ANOTHER_WAY;
}

/** The last of a line: nothing may follow, nor may the scan have gone on into the next line. */
function last(what: Buffer): void {
  need(what);
  if (at !== end) throw ANOTHER_WAY;
}
