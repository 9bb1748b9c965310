// The side of a child process: keeps to its limits, takes one order after the other, and ends with its parent. The other side is child-process.ts.
import { getPriority, setPriority } from 'node:os';
import type { Own } from './child-process.ts';
import { InvariantError, NautilusError } from './errors.ts';
import { limitMemory } from './memory-limit.ts';

/** Says something to the parent. */
export type Say<Said> = (said: Said) => void;

/**
 * Answers every order of the parent: with what `work` returns, nothing of undefined, or what it throws. `work` may say more before.
 * The process yields to others by `niceness`, keeps to the memory that its parent allows, and ends with it.
 */
export function answerOrders<Order, Said extends object>(
  work: (order: Order, say: Say<Said>) => Promise<Said | undefined>,
  niceness = 0,
): void {
  const say = (said: Said | Own) => process.send!(said);
  // Only ever upwards, which needs no right.
  if (niceness > 0) setPriority(Math.min(19, getPriority() + niceness));
  limitMemory(Number(process.argv[2]));
  // Without the parent nobody would take an answer.
  process.on('disconnect', () => process.exit());
  process.on('message', (order: Order) => {
    work(order, say).then(
      (said) => said && say(said),
      (error) => say(failure(error)),
    );
  });
  say({ type: 'ready' });
}

function failure(error: unknown): Own {
  const { slug, status, title, message, extras } =
    error instanceof NautilusError ? error : new InvariantError(String(error));
  const stack = error instanceof Error ? error.stack : undefined;
  return { type: 'failed', slug, status, title, detail: message, extras, stack };
}
