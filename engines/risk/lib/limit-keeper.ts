// The limits of every portfolio: the stored ones, or the defaults of the trading library; changes are recorded for good.
import type { Clock } from '../../../src/core/clock.ts';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import type { Transaction } from '../../../src/store/database.ts';
import { type Limits, limitIds, limitsSchema } from '../../../src/trading/limits.ts';
import type { LimitChange, RiskStore } from './store.ts';

/** New values by limit; null takes a limit away that has no default. */
export type LimitsPatch = { readonly [K in keyof Limits]?: Limits[K] | null | undefined };

const DEFAULTS: Limits = Object.freeze(limitsSchema.parse({}));

/** Owns the limits. The object of a portfolio's limits is a new one after each change, and only then. */
export class LimitKeeper {
  readonly #store: RiskStore;
  readonly #clock: Clock;
  #stored = new Map<string, Limits>();

  constructor(store: RiskStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async load(): Promise<void> {
    this.#stored = await this.#store.limits();
  }

  of(portfolioId: string): Limits {
    return this.#stored.get(portfolioId) ?? DEFAULTS;
  }

  isStored(portfolioId: string): boolean {
    return this.#stored.has(portfolioId);
  }

  /** Portfolios with limits of their own. */
  portfolios(): Iterable<string> {
    return this.#stored.keys();
  }

  /**
   * Changes some limits; the others stay. Returns whether anything is different now: the change is stored with its record.
   * Throws InvalidOptionError; nothing has changed then.
   */
  change(tx: Transaction, portfolioId: string, patch: LimitsPatch): boolean {
    const before = this.of(portfolioId);
    const wanted = limitIds
      .map((id) => [id, patch[id] === undefined ? before[id] : patch[id]] as const)
      .filter(([, value]) => value !== null && value !== undefined);
    const checked = limitsSchema.safeParse(Object.fromEntries(wanted));
    if (!checked.success) {
      const errors = checked.error.issues.map((i) => ({
        pointer: `/${i.path.join('/')}`,
        expected: i.message,
      }));
      throw new InvalidOptionError('Expected valid limits', errors);
    }
    const after = checked.data;
    if (limitIds.every((id) => before[id] === after[id])) return false;
    this.#store.changeLimits(tx, portfolioId, before, after, this.#clock.nowUs());
    this.#stored.set(portfolioId, after);
    return true;
  }

  /** One page of changes, newest first; `cursor` is the id below which it begins. */
  async changes(
    portfolioId: string,
    limit: number,
    cursor = Number.MAX_SAFE_INTEGER,
  ): Promise<{ changes: LimitChange[]; next_cursor: number | null }> {
    const found = await this.#store.changes(portfolioId, cursor, limit + 1);
    const changes = found.slice(0, limit);
    return { changes, next_cursor: found.length > limit ? changes.at(-1)!.id : null };
  }
}
