// The repaired view of a series: what is wrong is taken out, put in order or marked, and each repair is counted. The raw records stay as they are.
import { FLAGS } from '../flags.ts';
import type { BarRecord, MarketRecord } from '../records.ts';
import type { Calendar } from '../sessions/calendar.ts';
import { QUARANTINE } from './gate.ts';

export interface RepairOptions {
  /** When the market trades: gaps of bars are marked or filled by it. Null (the default) leaves flags of gaps of bars as they are. */
  readonly calendar?: Calendar | null;
  /** Gaps of bars of time: `mark` (default) sets the flag of the bar behind, `fill` puts flat bars of volume 0 with the flag `filled` in. */
  readonly gaps?: 'mark' | 'fill';
  /** Longest gap that is filled, in bars; a longer one is marked. Default 10,000. */
  readonly maxFill?: number;
  /** Records that wait for older ones; a record that is older than one that has left is counted as `too_late` and dropped. Default 10,000. */
  readonly window?: number;
}

/** How often each repair was made. */
export interface RepairCounts {
  /** Records that came in. */
  read: number;
  /** Dropped: flags of quarantine other than `duplicate`. */
  quarantined: number;
  duplicates: number;
  /** Moved before records that came earlier. */
  reordered: number;
  /** Dropped: older than the window of waiting records, or another bar of a time that has left it. */
  too_late: number;
  /** Bars that a later one of the same time took the place of. */
  revised: number;
  /** Bars behind a gap that are marked. */
  gaps_marked: number;
  /** Bars that were put in. */
  filled: number;
}

const MARKS = FLAGS.out_of_order.bit | FLAGS.gap.bit;

/** Repairs one series (source, symbol, kind) record by record; memory is bounded by the window. Flags are those that a gate has given. */
export class Repairer<T extends MarketRecord> {
  readonly counts: RepairCounts = {
    read: 0,
    quarantined: 0,
    duplicates: 0,
    reordered: 0,
    too_late: 0,
    revised: 0,
    gaps_marked: 0,
    filled: 0,
  };
  readonly #calendar: Calendar | null;
  readonly #fill: boolean;
  readonly #maxFill: number;
  readonly #window: number;
  // In order; the first `#start` have left.
  #waiting: T[] = [];
  #start = 0;
  #last: T | null = null;

  constructor({ calendar = null, gaps = 'mark', maxFill = 10_000, window = 10_000 }: RepairOptions = {}) {
    this.#calendar = calendar;
    this.#fill = gaps === 'fill';
    this.#maxFill = maxFill;
    this.#window = window;
  }

  /** Takes the next record and hands on what is certain not to change any more. */
  push(record: T, take: (record: T) => void): void {
    this.counts.read++;
    if ((record.flags & FLAGS.duplicate.bit) !== 0) this.counts.duplicates++;
    else if ((record.flags & QUARANTINE) !== 0) this.counts.quarantined++;
    else this.#insert(record);
    if (this.#waiting.length - this.#start > this.#window) this.#leave(take);
  }

  /** Hands on what waits. */
  end(take: (record: T) => void): void {
    while (this.#start < this.#waiting.length) this.#leave(take);
    this.#waiting = [];
    this.#start = 0;
  }

  #insert(record: T): void {
    const waiting = this.#waiting;
    const last = this.#last;
    const again = record.kind === 'bar' && record.tsEventUs === last?.tsEventUs;
    if (last !== null && (again || isBefore(record, last))) {
      this.counts.too_late++;
      return;
    }
    let at = waiting.length;
    while (at > this.#start && isBefore(record, waiting[at - 1]!)) at--;
    const before = waiting[at - 1];
    if (record.kind === 'bar' && at > this.#start && before!.tsEventUs === record.tsEventUs) {
      this.counts.revised++;
      waiting[at - 1] = record;
      return;
    }
    if (at < waiting.length) {
      this.counts.reordered++;
      waiting.splice(at, 0, record);
    } else waiting.push(record);
  }

  #leave(take: (record: T) => void): void {
    const record = this.#waiting[this.#start++]!;
    // Moving the rest up at every record would cost the square of the window.
    if (this.#start > this.#window) {
      this.#waiting = this.#waiting.slice(this.#start);
      this.#start = 0;
    }
    const last = this.#last;
    this.#last = record;
    if (record.kind !== 'bar' || record.unit !== 'time' || this.#calendar === null) {
      take(withFlags(record, record.flags & ~FLAGS.out_of_order.bit));
      return;
    }
    const missing =
      last === null ? 0 : this.#calendar.missingBars(last.tsEventUs, record.tsEventUs, record.interval);
    if (missing > 0 && this.#fill && missing <= this.#maxFill) {
      for (const us of this.#calendar.barsBetween(last!.tsEventUs, record.tsEventUs, record.interval)) {
        this.counts.filled++;
        take(flatBar(last as BarRecord, us) as T);
      }
      take(withFlags(record, record.flags & ~MARKS));
      return;
    }
    if (missing > 0) this.counts.gaps_marked++;
    take(withFlags(record, (record.flags & ~MARKS) | (missing > 0 ? FLAGS.gap.bit : 0)));
  }
}

/** Returns the repaired view of a whole series and what was done; see {@link Repairer}. A repaired series repairs to itself. */
export function repair<T extends MarketRecord>(
  records: readonly T[],
  options: RepairOptions = {},
): { readonly records: T[]; readonly counts: RepairCounts } {
  const repairer = new Repairer<T>({ window: Number.POSITIVE_INFINITY, ...options });
  const repaired: T[] = [];
  const take = (record: T) => {
    repaired.push(record);
  };
  for (const record of records) repairer.push(record, take);
  repairer.end(take);
  return { records: repaired, counts: repairer.counts };
}

function isBefore(a: MarketRecord, b: MarketRecord): boolean {
  if (a.tsEventUs !== b.tsEventUs) return a.tsEventUs < b.tsEventUs;
  return a.kind !== 'bar' && a.sequence !== null && b.sequence !== null && a.sequence < b.sequence;
}

function withFlags<T extends MarketRecord>(record: T, flags: number): T {
  return flags === record.flags ? record : { ...record, flags };
}

// What a market that did not trade would show: the close before, without volume.
function flatBar(last: BarRecord, tsEventUs: number): BarRecord {
  const { close } = last;
  return {
    ...last,
    tsEventUs,
    tsReceiveUs: tsEventUs,
    tsEventText: undefined,
    tsReceiveText: undefined,
    sequence: null,
    flags: FLAGS.filled.bit,
    open: close,
    high: close,
    low: close,
    close,
    volume: 0,
    trades: 0,
  };
}
