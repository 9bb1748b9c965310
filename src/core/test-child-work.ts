// For tests: a process that answers orders, and misbehaves as they say.
import { answerOrders } from './child-work.ts';
import { DivergedError } from './errors.ts';

let told = 0;

answerOrders<{ does: string }, object>(async ({ does }, say) => {
  told++;
  if (does === 'nothing') return undefined;
  if (does === 'count') {
    say({ type: 'progress', fraction: 0.5 });
    return { type: 'count', told, threads: process.env.NAUTILUS_THREADS, args: process.argv.slice(3) };
  }
  if (does === 'refuse') throw new DivergedError('Expected a loss that falls', 7);
  if (does === 'fail') throw new RangeError('deep inside');
  if (does === 'lie') return { type: 'count', told: 'many' };
  if (does === 'crash') process.exit(3);
  if (does === 'memory') {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(2 ** 24).fill(1));
  }
  // Holds its only thread, as native code does.
  for (;;) Bun.hash(new Uint8Array(1024));
});
