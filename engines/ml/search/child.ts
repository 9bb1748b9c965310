// The process that runs trials of one search: reads its table once, then one order after the other. Started by pool.ts.
import { answerOrders } from '../../../src/core/child-work.ts';
import { InvariantError } from '../../../src/core/errors.ts';
import type { Observation } from '../../../src/learning/search/types.ts';
import { NICENESS } from '../training/limits.ts';
import type { Open, Order, Said } from './messages.ts';
import type { SearchProcess } from './process.ts';

let opened: Promise<SearchProcess> | undefined;
let given: Open | undefined;
/** All that the pruner may know; told once, so that a search which can't be opened yet keeps it. */
const history: Observation[] = [];

async function work(order: Order): Promise<Said | undefined> {
  if (order.type === 'open') {
    given = order;
    return undefined;
  }
  if (order.type === 'trial') history.push(...order.history);
  // Not before the first order, so that what is wrong with the table is told as the reason of a trial; and again after a failure.
  opened ??= import('./process.ts').then(({ openSearch }) => {
    if (!given) throw new InvariantError('a trial came before its search');
    return openSearch(given, history);
  });
  const search = await opened.catch((error) => {
    opened = undefined;
    throw error;
  });
  if (order.type === 'trial') return { type: 'outcome', outcome: await search.trial(order) };
  return { type: 'finished', finished: await search.finish(order) };
}

answerOrders(work, NICENESS);
