// Which limits of which books are in breach: what is told once when it begins and once when it ends.
import type { Transaction } from '../../../src/store/database.ts';
import type { LimitState } from '../../../src/trading/checks.ts';
import type { Breach, RiskStore } from './store.ts';

/** The states of a book's limits at one event time. */
export interface Observed {
  readonly portfolio_id: string;
  readonly limits: readonly LimitState[];
  readonly equity: string;
  readonly tsEventUs: number;
}

const NO_LIMITS: ReadonlySet<string> = new Set();
const NOTHING: readonly Breach[] = [];

/** Remembers the limits in breach, so that nothing is told twice; what it knows is in the database too. */
export class BreachWatch {
  readonly #store: RiskStore;
  #inBreach = new Map<string, Set<string>>();

  constructor(store: RiskStore) {
    this.#store = store;
  }

  async load(): Promise<void> {
    this.#inBreach = await this.#store.inBreach();
  }

  /** Stores what is different from before and returns it, to be told. */
  observe(tx: Transaction, { portfolio_id, limits, equity, tsEventUs }: Observed): readonly Breach[] {
    const known = this.#inBreach.get(portfolio_id) ?? NO_LIMITS;
    if (known.size === 0 && limits.every((state) => state.status !== 'breach')) return NOTHING;
    const now = new Map<string, LimitState>();
    for (const state of limits) {
      // Several positions without a price are one breach.
      if (state.status === 'breach' && !now.has(state.limit)) now.set(state.limit, state);
    }
    const begun = [...now.values()].filter(({ limit }) => !known.has(limit));
    const ended = [...known].filter((limit) => !now.has(limit));
    if (begun.length + ended.length === 0) return NOTHING;
    const changes: Breach[] = [
      ...begun.map(({ limit, value, threshold, utilisation }) => {
        return { portfolio_id, limit, status: 'breach' as const, value, threshold, utilisation, equity };
      }),
      ...ended.map((limit) => {
        // A limit that was taken away, or a price that is known again, has no state of its own any more.
        const {
          value = null,
          threshold = null,
          utilisation = null,
        } = limits.find((state) => state.limit === limit) ?? {};
        return { portfolio_id, limit, status: 'cleared' as const, value, threshold, utilisation, equity };
      }),
    ];
    for (const change of changes) this.#store.addBreach(tx, change, tsEventUs);
    this.#inBreach.set(portfolio_id, new Set(now.keys()));
    return changes;
  }
}
