// Trials of searches for replies: what has ended does not change, so that it is read once.
import type { TrialRow } from './records.ts';
import type { SearchStore } from './store.ts';

/** Searches whose trials are remembered. */
const REMEMBERED = 8;

/** Reads the trials of a search, in order. */
export class TrialReader {
  readonly #store: SearchStore;
  /** Of each search its first trials, up to the first that had not ended. */
  readonly #ended = new Map<string, readonly TrialRow[]>();

  constructor(store: SearchStore) {
    this.#store = store;
  }

  async read(id: string): Promise<TrialRow[]> {
    const known = this.#ended.get(id) ?? [];
    const trials = [...known, ...(await this.#store.trials(id, known.length))];
    const open = trials.findIndex(({ state }) => state === 'running');
    this.#ended.delete(id);
    this.#ended.set(id, open < 0 ? trials : trials.slice(0, open));
    if (this.#ended.size > REMEMBERED) this.#ended.delete(this.#ended.keys().next().value!);
    return trials;
  }
}
