// Bookkeeping of a book: its state with the reason, its counters, and what the record under way has done.
import { FLAGS } from '../flags.ts';
import { type BookChange, type BookOutcome, type BookReason, type BookState, bookCounters } from './state.ts';

const QUIET = Object.freeze(
  Object.fromEntries(
    (['applied', 'kept', 'ignored', 'refused'] as const).map((result) => [
      result,
      Object.freeze({ result, flags: 0, change: null, resync: false }),
    ]),
  ),
) as Readonly<Record<BookOutcome['result'], BookOutcome>>;

/** State and counters; `begin` starts a record, `outcome` ends it. */
export class BookStatus {
  readonly counters = bookCounters();
  state: BookState = 'waiting';
  reason: BookReason = 'reset';
  /** Whether the record under way makes a new snapshot needed. */
  resync = false;
  /** Bits of the record under way. */
  flags = 0;
  #from: BookState = 'waiting';
  #because: BookReason = 'reset';
  #atUs = 0;

  begin(): void {
    this.#from = this.state;
    this.#because = this.reason;
    this.flags = 0;
    this.resync = false;
  }

  set(to: BookState, reason: BookReason, tsUs: number): void {
    this.state = to;
    this.reason = reason;
    this.#atUs = tsUs;
  }

  flag(name: 'gap' | 'duplicate' | 'out_of_order' | 'crossed' | 'locked' | 'malformed'): void {
    this.flags |= FLAGS[name].bit;
    this.counters[name]++;
  }

  /** Change of state since `begin`; another reason for a broken book counts as one. */
  change(): BookChange | null {
    const { state, reason } = this;
    const same = state === this.#from && (state !== 'broken' || reason === this.#because);
    return same ? null : { from: this.#from, to: state, reason, tsUs: this.#atUs };
  }

  outcome(result: BookOutcome['result']): BookOutcome {
    const change = this.change();
    if (this.flags === 0 && change === null && !this.resync) return QUIET[result];
    return { result, flags: this.flags, change, resync: this.resync };
  }
}
