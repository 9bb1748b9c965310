// The process that runs trials of one search: reads its table once, then one order after the other. Started by pool.ts.
import { getPriority, setPriority } from 'node:os';
import { InvariantError, NautilusError } from '../../../src/core/errors.ts';
import { limitMemory } from '../../../src/core/memory-limit.ts';
import type { Observation } from '../../../src/learning/search/types.ts';
import { NICENESS } from '../training/limits.ts';
import type { Open, Order, Said } from './messages.ts';
import type { SearchProcess } from './process.ts';

const say = (said: Said) => process.send!(said);

let opened: Promise<SearchProcess> | undefined;
let given: Open | undefined;
/** All that the pruner may know; told once, so that a search which can't be opened yet keeps it. */
const history: Observation[] = [];

async function work(order: Order): Promise<void> {
  if (order.type === 'open') {
    given = order;
    return;
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
  if (order.type === 'trial') say({ type: 'outcome', outcome: await search.trial(order) });
  else say({ type: 'finished', finished: await search.finish(order) });
}

function failure(error: unknown): Said {
  const { slug, status, title, message, extras, stack } =
    error instanceof NautilusError
      ? error
      : new NautilusError('internal', 500, 'Internal error', `Invariant: ${String(error)}`);
  return { type: 'failed', slug, status, title, detail: message, extras, stack };
}

// Only ever upwards, which needs no right.
setPriority(Math.min(19, getPriority() + NICENESS));
limitMemory(Number(process.argv[2]));
// Without the engine nobody would take the outcome.
process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  work(order).catch((error) => say(failure(error)));
});
say({ type: 'ready' });
