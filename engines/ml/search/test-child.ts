// For tests: a process that runs trials as child.ts does, and misbehaves as its points say.
import { limitMemory } from '../../../src/core/memory-limit.ts';
import type { Order, Said } from './messages.ts';

const say = (said: Said) => process.send!(said);
let known = 0;

limitMemory(Number(process.argv[2]));
process.on('disconnect', () => process.exit());
process.on('message', (order: Order) => {
  if (order.type !== 'trial') return;
  known += order.history.length;
  const { does } = order.point;
  if (does === 'crash') process.exit(3);
  // Holds its only thread, as native code does.
  if (does === 'hang') for (;;) Bun.hash(new Uint8Array(1024));
  if (does === 'memory') {
    const held: Uint8Array[] = [];
    for (;;) held.push(new Uint8Array(2 ** 24).fill(1));
  }
  if (does === 'throw') {
    const detail = 'Expected something else';
    say({ type: 'failed', slug: 'diverged', status: 422, title: '', detail, extras: {}, stack: undefined });
    return;
  }
  const scores = { process: process.pid, known };
  const outcome = { state: 'complete', loss: 1, scores, reports: [], seconds: 0, rounds: null, reason: null };
  say({ type: 'outcome', outcome: outcome as never });
});
say({ type: 'ready' });
