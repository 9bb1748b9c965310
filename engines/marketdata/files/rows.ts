// Rows of a table as records: exact prices, times in microseconds; a row that is none has a reason.
import { csvNumber } from '../../../src/core/csv.ts';
import type { FlagName } from '../../../src/market/flags.ts';
import { GrowingScale } from '../../../src/market/growing-scale.ts';
import type { BarRecord, Quote, Trade } from '../../../src/market/records.ts';
import { SYMBOL } from '../../../src/market/symbol.ts';
import type { ColumnName, Layout } from './columns.ts';
import type { TimeReader } from './times.ts';

/** A record that a table can hold. */
export type TableRecord = BarRecord | Trade | Quote;

export interface RowOptions {
  /** Symbol of files without a symbol column; for files with one, the only symbol taken. */
  readonly symbol?: string | undefined;
  /** Id of the source that the records are said to be of. */
  readonly source: string;
  readonly times: TimeReader;
  /** Decimals that prices are written without: 4 for `973100` that is 97.31. */
  readonly priceDecimals?: number | undefined;
  /** Length of the bars of a symbol in microseconds. */
  readonly intervalUs: (symbol: string) => number;
}

const MAX_SYMBOLS = 10_000;
const NO_ADJUSTMENTS = [] as const;

/** Turns the rows of one table into records. */
export class RowReader {
  readonly #at: Readonly<Record<ColumnName, number>>;
  readonly #kind: Layout['kind'];
  readonly #options: RowOptions;
  readonly #scales = new Map<string, GrowingScale>();
  /** Flags that the records cannot earn: bars of a table without volumes, as those of an index, have a volume of 0 that nobody said. */
  readonly without: readonly FlagName[];

  constructor(layout: Layout, options: RowOptions) {
    this.#at = layout.at;
    this.#kind = layout.kind;
    this.#options = options;
    this.without = layout.kind === 'bar' && layout.at.volume < 0 ? ['zero_volume'] : [];
  }

  /** Returns the symbol of a row, empty where it has none. */
  symbolOf(row: readonly string[]): string {
    const at = this.#at.symbol;
    return (at >= 0 ? row[at] : this.#options.symbol) ?? '';
  }

  /** Returns the time of a row in microseconds, null where it has none. */
  timeOf(row: readonly string[]): number | null {
    return this.#options.times.read(this.#timeText(row));
  }

  /** Learns how many decimals the numbers of a symbol need, so that its records have one scale. */
  learn(row: readonly string[]): void {
    if (this.#kind === 'bar') return;
    const scale = this.#scaleOf(this.symbolOf(row));
    if (scale) for (const name of EXACT[this.#kind]) toTicks(scale, name, this.#number(row, name));
  }

  /** Returns the record of a row, null for one of a symbol that was not asked for, or the reason why it is none. */
  read(row: readonly string[]): TableRecord | string | null {
    const { symbol: only, times, source } = this.#options;
    const symbol = this.symbolOf(row);
    if (symbol === '') return 'symbol missing';
    if (only !== undefined && symbol !== only) return null;
    if (!this.#scales.has(symbol) && !SYMBOL.test(symbol)) return 'symbol not readable';
    const text = this.#timeText(row);
    const tsEventUs = times.read(text);
    if (tsEventUs === null) return 'time not readable';
    const scale = this.#scaleOf(symbol);
    if (!scale) return `more than ${MAX_SYMBOLS} symbols`;
    let tsReceiveUs: number | null = tsEventUs;
    let receive = '';
    if (this.#at.receive >= 0) {
      receive = this.#text(row, 'receive');
      tsReceiveUs = receive === '' ? tsEventUs : times.read(receive);
      if (tsReceiveUs === null) return 'time of receipt not readable';
    }
    const sequence = this.#integer(row, 'sequence');
    if (Number.isNaN(sequence)) return 'sequence not an integer';
    const tsEventText = this.#fineText(row, 'timeText', text, tsEventUs);
    const tsReceiveText = this.#fineText(row, 'receiveText', receive, tsReceiveUs);
    if (tsEventText === null || tsReceiveText === null) return 'time and its finer text differ';
    const stamped = {
      symbol,
      source,
      tsEventUs,
      tsReceiveUs,
      ...(tsEventText === undefined ? {} : { tsEventText }),
      ...(tsReceiveText === undefined ? {} : { tsReceiveText }),
      sequence,
      flags: 0,
    };
    if (this.#kind === 'bar') return this.#bar(row, stamped);
    return this.#kind === 'trade' ? this.#trade(row, stamped, scale) : this.#quote(row, stamped, scale);
  }

  #bar(row: readonly string[], stamped: Stamped): BarRecord | string {
    const values: number[] = [];
    for (const name of ['open', 'high', 'low', 'close'] as const) {
      const value = csvNumber(this.#price(row[this.#at[name]] ?? ''));
      if (value === null) return `${name} not a number`;
      if (value <= 0) return `${name} not positive`;
      values.push(value);
    }
    const volume = this.#at.volume < 0 ? 0 : csvNumber(row[this.#at.volume]);
    if (volume === null) return 'volume not a number';
    if (volume < 0) return 'volume negative';
    const trades = this.#integer(row, 'trades');
    if (Number.isNaN(trades)) return 'trades not an integer';
    const [open, high, low, close] = values as [number, number, number, number];
    const interval = this.#options.intervalUs(stamped.symbol);
    const adjusted = NO_ADJUSTMENTS;
    return {
      kind: 'bar',
      ...stamped,
      unit: 'time',
      interval,
      open,
      high,
      low,
      close,
      volume,
      trades,
      adjusted,
    };
  }

  #trade(row: readonly string[], stamped: Stamped, scale: GrowingScale): Trade | string {
    const side = this.#side(row);
    if (side === undefined) return 'side not readable';
    const idText = this.#text(row, 'id');
    if (idText.length > 128) return 'id longer than 128 characters';
    const numbers = this.#exact(row, scale, EXACT.trade);
    if (typeof numbers === 'string') return numbers;
    const [price, size] = numbers as [number, number];
    if (price <= 0) return 'price not positive';
    if (size < 0) return 'size negative';
    const id = idText === '' ? null : idText;
    return { kind: 'trade', ...stamped, scale: scale.scale, price, size, side, id };
  }

  #quote(row: readonly string[], stamped: Stamped, scale: GrowingScale): Quote | string {
    const numbers = this.#exact(row, scale, EXACT.quote);
    if (typeof numbers === 'string') return numbers;
    const [bid, ask, bidSize, askSize] = numbers as [number, number, number, number];
    if (bid < 0 || ask < 0) return 'bid or ask negative';
    if (bidSize < 0 || askSize < 0) return 'size negative';
    return { kind: 'quote', ...stamped, scale: scale.scale, bid, bidSize, ask, askSize };
  }

  // Numbers of a row in one scale, or why not.
  #exact(row: readonly string[], scale: GrowingScale, names: readonly ExactName[]): number[] | string {
    try {
      return scale.exactly(() =>
        names.map((name) => {
          const value = toTicks(scale, name, this.#number(row, name));
          if (Number.isNaN(value)) throw new Inexact(`${NAMES[name]} not a number of at most 15 decimals`);
          return value;
        }),
      );
    } catch (error) {
      if (error instanceof Inexact) return error.message;
      throw error;
    }
  }

  #scaleOf(symbol: string): GrowingScale | null {
    let scale = this.#scales.get(symbol);
    if (scale) return scale;
    if (this.#scales.size >= MAX_SYMBOLS) return null;
    scale = new GrowingScale();
    this.#scales.set(symbol, scale);
    return scale;
  }

  #timeText(row: readonly string[]): string {
    const { time, clock } = this.#at;
    return clock < 0 ? (row[time] ?? '') : `${row[time] ?? ''} ${row[clock] ?? ''}`;
  }

  // What a column of its own says of a time, or its text itself where that is finer than microseconds; null where the two are not of one moment.
  #fineText(row: readonly string[], name: 'timeText' | 'receiveText', text: string, us: number) {
    const { times } = this.#options;
    const finer = this.#text(row, name);
    if (finer === '') return times.fine(text);
    return times.refines(finer, us) ? finer : null;
  }

  #text(row: readonly string[], name: ColumnName): string {
    const at = this.#at[name];
    return at < 0 ? '' : (row[at] ?? '');
  }

  // A number of a row, with the decimals that it is written without.
  #number(row: readonly string[], name: ExactName): string {
    const text = this.#text(row, name);
    return name === 'price' || name === 'bid' || name === 'ask' ? this.#price(text) : text;
  }

  // By its exponent, so that it stays exactly what it says.
  #price(text: string): string {
    const decimals = this.#options.priceDecimals;
    if (decimals === undefined || text === '') return text;
    const match = SCIENTIFIC.exec(text);
    return match ? `${match[1]}e${Number(match[2] ?? 0) - decimals}` : text;
  }

  // An integer, null where it is absent, NaN where it is none.
  #integer(row: readonly string[], name: ColumnName): number | null {
    const text = this.#text(row, name);
    if (text === '') return null;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value > Number.MAX_SAFE_INTEGER ? null : value;
  }

  // Side of the taker: null where the file does not say, undefined where it is not readable.
  #side(row: readonly string[]): 'buy' | 'sell' | null | undefined {
    const maker = this.#text(row, 'maker').toLowerCase();
    if (maker !== '') {
      if (maker === 'true' || maker === '1' || maker === 't') return 'sell';
      return maker === 'false' || maker === '0' || maker === 'f' ? 'buy' : undefined;
    }
    const said = this.#text(row, 'side');
    if (said === 'buy' || said === 'sell') return said;
    const side = said.toLowerCase();
    if (side === 'buy' || side === 'b' || side === 'bid') return 'buy';
    if (side === 'sell' || side === 's' || side === 'ask' || side === 'a') return 'sell';
    return side === '' || side === 'none' || side === 'n' ? null : undefined;
  }
}

type Stamped = Pick<
  TableRecord,
  'symbol' | 'source' | 'tsEventUs' | 'tsReceiveUs' | 'tsEventText' | 'tsReceiveText' | 'sequence' | 'flags'
>;

type ExactName = 'price' | 'size' | 'bid' | 'ask' | 'bidSize' | 'askSize';

const EXACT = {
  trade: ['price', 'size'],
  quote: ['bid', 'ask', 'bidSize', 'askSize'],
} as const satisfies Record<'trade' | 'quote', readonly ExactName[]>;

const NAMES: Readonly<Record<ExactName, string>> = {
  price: 'price',
  size: 'size',
  bid: 'bid',
  ask: 'ask',
  bidSize: 'bid size',
  askSize: 'ask size',
};

/** A number of a row that has no integer. */
class Inexact extends Error {}

// A size that a quote does not have is 0, as is an empty side; NaN for what is no number.
function toTicks(scale: GrowingScale, name: ExactName, text: string): number {
  if (name === 'price' || name === 'bid' || name === 'ask') {
    if (text === '' && name !== 'price') return 0;
    return exactly((plain) => scale.price(plain), text);
  }
  if (text === '' && name !== 'size') return 0;
  return exactly((plain) => scale.size(plain), text);
}

function exactly(ticksOf: (plain: string) => number, text: string): number {
  const plain = plainDecimal(text);
  const ticks = ticksOf(plain);
  return Number.isNaN(ticks) ? ticksOf(withoutResidue(plain)) : ticks;
}

/**
 * Returns the decimal of 15 digits that computing with binary fractions has left a residue on: 0.3 for 0.30000000000000004, which is 0.1 + 0.2. Other text
 * stays as it is: longer than such numbers are written, or further from the decimal than a few such steps lead.
 */
function withoutResidue(plain: string): string {
  const number = Number(plain);
  if (plainDecimal(String(number)) !== plain) return plain;
  const decimal = Number(number.toPrecision(15));
  const residue = Math.abs(decimal - number);
  return residue <= 2 * Number.EPSILON * Math.abs(number) ? plainDecimal(String(decimal)) : plain;
}

const SCIENTIFIC = /^([^eE]+)(?:[eE]([+-]?\d{1,3}))?$/;
const EXPONENT = /^([+-]?)(\d*)\.?(\d*)[eE]([+-]?\d{1,3})$/;

/** Returns decimal text without an exponent or a plus: `5.33e-05` is `0.0000533`. Text that is no such number stays as it is. */
export function plainDecimal(text: string): string {
  if (text.charCodeAt(0) === 43) return plainDecimal(text.slice(1));
  if (!text.includes('e') && !text.includes('E')) return text;
  const match = EXPONENT.exec(text);
  if (!match) return text;
  const [, sign, whole, fraction, exponent] = match as unknown as [string, string, string, string, string];
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  if (digits === '') return text;
  if (point <= 0) return `${sign === '-' ? '-' : ''}0.${'0'.repeat(-point)}${digits}`;
  const padded = digits.padEnd(point, '0');
  return `${sign === '-' ? '-' : ''}${padded.slice(0, point)}${point < padded.length ? `.${padded.slice(point)}` : ''}`;
}
