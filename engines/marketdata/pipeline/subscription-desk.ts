// Who wants what: subscriptions are checked, stored and ended one at a time.
import { ConflictError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { Listings } from './listings.ts';
import type { SourceBoard } from './source-board.ts';
import {
  CHOSEN,
  fittingOf,
  MAX_SUBSCRIPTIONS,
  type Subscription,
  type SubscriptionRequest,
  termsOf,
} from './subscription.ts';
import { SubscriptionStore } from './subscription-store.ts';

export interface SubscriptionDeskParts {
  readonly context: Pick<EngineContext, 'clock' | 'log' | 'database'>;
  readonly board: SourceBoard;
  /** What is listened to without anybody asking. */
  readonly own: readonly Subscription[];
  /** Whether a replay tells of a symbol, so that it cannot come live as well. */
  readonly isReplayed: (symbol: string) => boolean;
  /** Called when there is one more, or one less. */
  readonly changed: () => void;
}

/** The list of subscriptions. */
export class SubscriptionDesk {
  readonly #parts: SubscriptionDeskParts;
  readonly #store: SubscriptionStore;
  readonly #listings: Listings;
  #all: readonly Subscription[] = [];
  // One change at a time, so that two requests do not both pass a rule that only one may.
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: SubscriptionDeskParts) {
    const { database, clock, log } = parts.context;
    this.#parts = parts;
    this.#store = new SubscriptionStore(database);
    this.#listings = new Listings(clock, log);
  }

  /** Takes what is stored. */
  async load(): Promise<void> {
    this.#all = await this.#store.all();
    // Sources that are not in the list of the board exist from when they are named.
    for (const { sources } of this.#all) for (const id of sources) this.#parts.board.find(id);
  }

  all(): Subscription[] {
    return [...this.#all];
  }

  /** Stores a subscription. Throws InvalidOptionError, ConflictError. */
  async add(request: SubscriptionRequest): Promise<Subscription> {
    // Before its turn: it may wait for sources that answer slowly.
    const listed = request.sources ? [] : await this.#listed(request);
    return this.exclusively(async () => {
      const { board, own, context } = this.#parts;
      if (this.#parts.isReplayed(request.symbol))
        throw new ConflictError('A replay tells of this symbol: wait for its end or cancel it');
      if (this.#all.length >= MAX_SUBSCRIPTIONS)
        throw new ConflictError(`All ${MAX_SUBSCRIPTIONS} subscriptions are in use: delete one first`);
      for (const id of request.sources ?? []) board.find(id);
      const added: Subscription = {
        ...request,
        subscription_id: newId(),
        ...termsOf(request, board.choices(), [...own, ...this.#all], listed),
        created_us: context.clock.nowUs(),
      };
      await this.#store.add(added);
      this.#all = [...this.#all, added];
      this.#parts.changed();
      return added;
    });
  }

  /** Ends a subscription. Throws NotFoundError. */
  remove(id: string): Promise<Subscription> {
    return this.exclusively(async () => {
      const found = this.#all.find((s) => s.subscription_id === id);
      if (!found) throw new NotFoundError('No such subscription');
      await this.#store.remove(id);
      this.#all = this.#all.filter((s) => s !== found);
      this.#parts.changed();
      return found;
    });
  }

  /** Runs `work` between two changes. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(work);
    this.#changing = result.catch(() => {});
    return result;
  }

  /** The best sources that have what a request asks for which names none. */
  async #listed(request: SubscriptionRequest): Promise<string[]> {
    const { board } = this.#parts;
    const { symbol, native_symbols } = request;
    const places = fittingOf(request, board.choices()).map(({ id }) => {
      const { adapter } = board.get(id).source;
      return { id, adapter, symbol, nativeSymbol: native_symbols[id] ?? adapter.nativeSymbol(symbol) };
    });
    return (await this.#listings.first(places, CHOSEN)).map(({ id }) => id);
  }
}
