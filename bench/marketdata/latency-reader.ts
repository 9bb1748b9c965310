// The reader of the latency bench in a process of its own, on the hub or Redis: tells how many records came, and in the end how late they were.
import { Bus } from '../../src/bus/client.ts';
import { systemClock } from '../../src/core/clock.ts';
import { transportTo } from '../bus/traffic.ts';
import { Samples } from './latency-samples.ts';

const samples = new Samples();
const bus = new Bus('reader', transportTo(process.argv[2]!, 'reader'));
await bus.subscribe('market.*', (batch) => samples.take(batch, systemClock.nowUs()));
process.on('message', (asked) =>
  process.send?.(asked === 'count' ? { count: samples.count } : { measured: samples.measured() }),
);
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
