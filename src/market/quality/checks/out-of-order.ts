// `out_of_order`: a record that is older than one before. It also keeps the place in the series that other checks go by.
import type { MarketRecord } from '../../records.ts';
import { type Context, defineCheck, type Running } from '../definition.ts';

export default defineCheck({
  flag: 'out_of_order',
  kinds: ['trade', 'quote', 'book_delta', 'bar', 'funding'],
  rule: 'Its number is below the highest before; its time, where the venue gives no numbers or counts each connection anew, and for bars. When `restart` records in a row come so and are in order among themselves, the venue counts anew: the series goes on from there.',
  unless: ['malformed', 'bad_timestamp', 'duplicate'],
  weight: 2,
  parameters: {
    restart: {
      unit: 'records',
      min: 2,
      max: 10_000,
      integer: true,
      default: 16,
      meaning: 'how many older records in a row, in order, are a new beginning',
    },
  },
  start({ restart }, saved) {
    return new Order(restart, saved as Saved | null);
  },
});

type Saved = readonly (number | null)[];

class Order implements Running {
  readonly #restart: number;
  // NaN until there is one.
  #sequence = Number.NaN;
  #us = Number.NaN;
  #older = 0;
  #olderSequence = Number.NaN;
  #olderUs = Number.NaN;

  constructor(restart: number, saved: Saved | null) {
    this.#restart = restart;
    if (saved === null) return;
    const [sequence, us, older, olderSequence, olderUs] = saved.map((value) => value ?? Number.NaN);
    this.#sequence = sequence!;
    this.#us = us!;
    this.#older = older!;
    this.#olderSequence = olderSequence!;
    this.#olderUs = olderUs!;
  }

  step(record: MarketRecord, context: Context): boolean {
    const counted = record.kind !== 'bar' && context.series.sequence !== 'connection';
    const sequence = counted ? (record.sequence ?? Number.NaN) : Number.NaN;
    const us = record.tsEventUs;
    context.previousSequence = this.#sequence;
    context.previousUs = this.#us;
    const first = Number.isNaN(this.#us);
    const older = !first && isOlder(sequence, us, this.#sequence, this.#us);
    if (older && !this.#isRestart(sequence, us)) {
      context.place = 'older';
      return true;
    }
    context.place = first ? 'first' : older ? 'restart' : 'next';
    this.#older = 0;
    this.#sequence = sequence;
    this.#us = older || first || us > this.#us ? us : this.#us;
    return false;
  }

  save(): Saved {
    const numbers = [this.#sequence, this.#us, this.#older, this.#olderSequence, this.#olderUs];
    return numbers.map((value) => (Number.isNaN(value) ? null : value));
  }

  #isRestart(sequence: number, us: number): boolean {
    const follows = this.#older > 0 && !isOlder(sequence, us, this.#olderSequence, this.#olderUs);
    this.#older = follows ? this.#older + 1 : 1;
    this.#olderSequence = sequence;
    this.#olderUs = us;
    return this.#older > this.#restart;
  }
}

function isOlder(sequence: number, us: number, thanSequence: number, thanUs: number): boolean {
  // A comparison with NaN is false: without both numbers the times decide.
  return Number.isNaN(sequence) || Number.isNaN(thanSequence) ? us < thanUs : sequence < thanSequence;
}
