// What the live desk knows, read from the database.
import type { Log } from '../../src/core/log.ts';
import type { Reader } from '../../src/store/database.ts';
import { type Limits, limitsSchema } from '../../src/trading/limits.ts';
import { Book, type BookBase } from './book.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import { strategyOf } from './kinds.ts';
import type { StrategyStore } from './store.ts';
import type { OrderRecord } from './wire.ts';

/** Everything of live trading that is stored. */
export interface LiveState {
  readonly limits: Map<string, Limits>;
  readonly books: Map<string, Book>;
  /** Open orders of these books. */
  readonly orders: readonly OrderRecord[];
  readonly deployments: readonly Deployment[];
}

/** Reads the live state without the portfolio `except`. What this version does not understand is logged and left out. */
export async function readLive(store: StrategyStore, log: Log, except?: string): Promise<LiveState> {
  const limits = new Map<string, Limits>();
  for (const { portfolio_id, limits: stored } of await store.limits()) {
    const { success, data } = limitsSchema.safeParse(stored);
    if (success) limits.set(portfolio_id, data);
    else log.error({ portfolio_id }, 'stored limits are not understood: the defaults hold');
  }
  const books = new Map<string, Book>();
  for (const { portfolio_id, base } of await store.books()) {
    if (portfolio_id === except) continue;
    books.set(portfolio_id, await readBook(store, base, limits.get(portfolio_id)));
  }
  const orders = (await store.liveOrders()).filter(({ order }) => books.has(order.portfolio_id));
  const deployments: Deployment[] = [];
  for (const record of await store.deployments()) {
    try {
      deployments.push(deploymentOf(record, strategyOf(record.strategy, record.options)));
    } catch (err) {
      const { deployment_id } = record;
      log.error({ err, deployment_id }, 'a stored deployment no longer fits its strategy');
    }
  }
  return { limits, books, orders, deployments };
}

/** Returns the book that a portfolio's fills make of its base. */
export async function readBook(
  store: StrategyStore,
  base: BookBase,
  limits: Limits | undefined,
  db?: Reader,
): Promise<Book> {
  const book = new Book(base, limits);
  await store.eachFill(book.portfolioId, (fill) => book.apply(fill), db);
  return book;
}
