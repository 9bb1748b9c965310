// For tests: a process that runs trials as child.ts does, and misbehaves as its points say.
import { answerOrders } from '../../../src/core/child-work.ts';
import { DivergedError } from '../../../src/core/errors.ts';
import type { Order, Said } from './messages.ts';

let known = 0;

answerOrders<Order, Said>(async (order) => {
  if (order.type !== 'trial') return undefined;
  known += order.history.length;
  const { does } = order.point;
  if (does === 'crash') process.exit(3);
  // Holds its only thread, as native code does.
  if (does === 'hang') for (;;) Bun.hash(new Uint8Array(1024));
  if (does === 'memory') {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(2 ** 24).fill(1));
  }
  if (does === 'throw') throw new DivergedError('Expected something else', 1);
  const scores = { process: process.pid, known };
  const outcome = { state: 'complete', loss: 1, scores, reports: [], seconds: 0, rounds: null, reason: null };
  return { type: 'outcome', outcome: outcome as never };
});
