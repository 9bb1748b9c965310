// Deltas that wait for a snapshot, or for one that is missing before them: in the order of their numbers, bounded.
import type { BookDelta } from '../records.ts';

/** A bounded list of deltas by number. */
export class PendingDeltas {
  #deltas: BookDelta[] = [];
  /** Deltas dropped because there were too many: the oldest go first. */
  dropped = 0;

  constructor(readonly limit: number) {}

  get length(): number {
    return this.#deltas.length;
  }

  all(): readonly BookDelta[] {
    return this.#deltas;
  }

  /** Keeps a delta. Returns whether it is the newest, is older than another (`late`), or is there already. */
  add(delta: BookDelta): 'newest' | 'late' | 'duplicate' {
    const deltas = this.#deltas;
    const sequence = delta.sequence ?? Number.POSITIVE_INFINITY;
    let at = deltas.length;
    while (at > 0 && (deltas[at - 1]!.sequence ?? 0) > sequence) at--;
    if (at > 0 && deltas[at - 1]!.sequence === sequence) return 'duplicate';
    const newest = at === deltas.length;
    if (newest) deltas.push(delta);
    else deltas.splice(at, 0, delta);
    // Half go at once, so that a long wait does not shift the list for every delta.
    if (deltas.length > this.limit) {
      const drop = Math.ceil(this.limit / 2);
      this.#deltas = deltas.slice(drop);
      this.dropped += drop;
    }
    return newest ? 'newest' : 'late';
  }

  /** Takes the first `count` away. */
  drop(count: number): void {
    if (count > 0) this.#deltas.splice(0, count);
  }

  clear(): void {
    if (this.#deltas.length > 0) this.#deltas = [];
  }
}
