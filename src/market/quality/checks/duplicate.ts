// `duplicate`: a record that came before, by its id, or by its number or time together with its content.
import type { MarketRecord } from '../../records.ts';
import { defineCheck, type Running } from '../definition.ts';

export default defineCheck({
  flag: 'duplicate',
  kinds: ['trade', 'quote', 'book_delta', 'bar', 'funding', 'macro'],
  rule: 'A trade with an id that one of the last `window` trades had; else a record whose content and number (its time where the venue gives none) one of the last `window` records had. Trades with neither id nor number are not judged: two people may trade the same at the same time.',
  unless: ['malformed'],
  weight: 1,
  parameters: {
    window: {
      unit: 'records',
      min: 1,
      max: 65_536,
      integer: true,
      default: 1024,
      meaning: 'how many records it looks back',
    },
  },
  start({ window }, saved) {
    return new Recent(window, saved as Saved | null);
  },
});

interface Saved {
  readonly ids: readonly string[];
  readonly rows: readonly (readonly number[])[];
}

const FIELDS = 6;

// The last records: ids of trades in a set, else one row of numbers each, of which the first is what they are ordered by.
class Recent implements Running {
  readonly #window: number;
  readonly #ids: string[] = [];
  readonly #known = new Set<string>();
  #oldestId = 0;
  // Grows up to the window: most series have few records.
  #rows = new Float64Array(16 * FIELDS);
  readonly #row = new Float64Array(FIELDS);
  #count = 0;
  #next = 0;
  #newest = Number.NEGATIVE_INFINITY;
  // How many of the rows have each number or time, from the first record on that is not newer than all before: most series have none.
  #counts: Map<number, number> | null = null;

  constructor(window: number, saved: Saved | null) {
    this.#window = window;
    for (const id of saved?.ids ?? []) this.#addId(id);
    for (const row of saved?.rows ?? []) this.#addRow(row);
  }

  step(record: MarketRecord): boolean {
    if (record.kind === 'trade') {
      if (record.id !== null) return this.#isKnownId(record.id);
      if (record.sequence === null) return false;
    }
    const row = this.#row;
    fillRow(row, record);
    // Most records are newer than all before: nothing to compare with.
    if (!(row[0]! > this.#newest) && this.#has(row)) return true;
    this.#addRow(row);
    return false;
  }

  save(): Saved {
    const rows: number[][] = [];
    for (let i = this.#count; i > 0; i--) {
      const at = ((this.#next - i + this.#window) % this.#window) * FIELDS;
      rows.push(Array.from(this.#rows.subarray(at, at + FIELDS)));
    }
    return { ids: [...this.#ids.slice(this.#oldestId), ...this.#ids.slice(0, this.#oldestId)], rows };
  }

  #isKnownId(id: string): boolean {
    if (this.#known.has(id)) return true;
    this.#addId(id);
    return false;
  }

  #addId(id: string): void {
    if (this.#ids.length < this.#window) this.#ids.push(id);
    else {
      this.#known.delete(this.#ids[this.#oldestId]!);
      this.#ids[this.#oldestId] = id;
      this.#oldestId = (this.#oldestId + 1) % this.#window;
    }
    this.#known.add(id);
  }

  #has(row: Float64Array): boolean {
    const rows = this.#rows;
    if (this.#counts === null) {
      this.#counts = new Map();
      for (let at = 0; at < this.#count * FIELDS; at += FIELDS) add(this.#counts, rows[at]!, 1);
    }
    if (!this.#counts.has(row[0]!)) return false;
    for (let at = 0; at < this.#count * FIELDS; at += FIELDS) {
      let same = true;
      for (let i = 0; same && i < FIELDS; i++) same = rows[at + i] === row[i];
      if (same) return true;
    }
    return false;
  }

  #addRow(row: ArrayLike<number>): void {
    const at = this.#next * FIELDS;
    if (at === this.#rows.length) {
      const larger = new Float64Array(Math.min(2 * at, this.#window * FIELDS));
      larger.set(this.#rows);
      this.#rows = larger;
    }
    if (this.#counts) {
      if (this.#count === this.#window) add(this.#counts, this.#rows[at]!, -1);
      add(this.#counts, row[0]!, 1);
    }
    for (let i = 0; i < FIELDS; i++) this.#rows[at + i] = row[i]!;
    this.#next = (this.#next + 1) % this.#window;
    if (this.#count < this.#window) this.#count++;
    if (row[0]! > this.#newest) this.#newest = row[0]!;
  }
}

function add(counts: Map<number, number>, key: number, more: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function fillRow(row: Float64Array, record: MarketRecord): void {
  for (let i = 1; i < FIELDS; i++) row[i] = 0;
  row[0] = record.kind === 'bar' ? record.tsEventUs : (record.sequence ?? record.tsEventUs);
  switch (record.kind) {
    case 'trade':
      row[1] = record.price;
      row[2] = record.size;
      row[3] = record.tsEventUs;
      row[4] = record.side === 'buy' ? 1 : record.side === 'sell' ? -1 : 0;
      break;
    case 'quote':
      row[1] = record.bid;
      row[2] = record.bidSize;
      row[3] = record.ask;
      row[4] = record.askSize;
      break;
    case 'bar':
      row[1] = record.open;
      row[2] = record.high;
      row[3] = record.low;
      row[4] = record.close;
      row[5] = record.volume;
      break;
    case 'book_delta':
      row[1] = record.firstSequence ?? 0;
      row[2] = record.bids.length;
      row[3] = record.asks.length;
      row[4] = sum(record.bids);
      row[5] = sum(record.asks);
      break;
    case 'funding':
      row[1] = record.rate;
      break;
    case 'macro':
      // One date has a value for each of its vintages.
      row[1] = record.asOfUs;
      row[2] = record.value === null ? 1 : 0;
      row[3] = record.value ?? 0;
      break;
  }
}

// Tells contents of the same number apart; positions matter.
function sum(levels: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < levels.length; i++) total += levels[i]! * (i + 1);
  return total;
}
