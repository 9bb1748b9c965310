// The process that trains, validates, converts or works on features: gets one order from the engine, tells how far it is, and ends. Started by in-child.ts.
import { answerOrders, type Say } from '../../../src/core/child-work.ts';
import type { FitProgress } from '../../../src/learning/family.ts';
import { DatasetStore } from '../datasets/store.ts';
import { checkpointsIn } from './checkpoints.ts';
import { NICENESS } from './limits.ts';
import type { Order, Outcomes, Said } from './messages.ts';

/** Milliseconds between two words on the progress: a family may tell of each of a thousand trees. */
const TELL_MS = 100;

async function work(order: Order, say: Say<Said>): Promise<Outcomes[keyof Outcomes]> {
  const datasets = new DatasetStore(order.dataDir, false);
  if (order.kind === 'convert') {
    return (await import('../conversion/convert.ts')).convert(order.input, datasets, order.threads);
  }
  if (order.kind === 'reference')
    return (await import('../monitoring/reference.ts')).makeReference(order.input, datasets, order.threads);
  if (order.kind === 'challenge')
    return (await import('../monitoring/challenge.ts')).challenge(order.input, datasets, order.threads);
  if (order.kind === 'features') {
    const progress = (fraction: number) =>
      say({ type: 'progress', progress: { fraction, step: 0, loss: 0 } });
    const { computeFeatureWork } = await import('../features/compute.ts');
    return computeFeatureWork(order.input, order.dataDir, { threads: order.threads, progress });
  }
  const { frame } = await datasets.open(order.input.dataset_id);
  let latest: FitProgress | undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  const control = {
    threads: order.threads,
    // The engine ends this process; nothing here waits for a signal.
    signal: new AbortController().signal,
    checkpoints: checkpointsIn(order.checkpoints, order.checkpointMs),
    ownProcess: true,
    hardware: order.input.hardware === 'auto' ? ('cpu' as const) : order.input.hardware,
    progress(progress: FitProgress) {
      latest = progress;
      if (performance.now() - toldAt < TELL_MS) return;
      toldAt = performance.now();
      say({ type: 'progress', progress });
    },
  };
  const outcome =
    order.kind === 'train'
      ? await (await import('./train.ts')).train(order.input, frame, control)
      : await (await import('./validate.ts')).validate(order.input, frame, control);
  if (latest) say({ type: 'progress', progress: latest });
  return outcome;
}

answerOrders<Order, Said>(
  async (order, say) => ({ type: 'done', outcome: await work(order, say) }),
  NICENESS,
);
