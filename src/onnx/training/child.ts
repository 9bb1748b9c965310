// The process that trains: gets one job from its parent, tells how far it is, and ends. Started by in-child.ts.
import { DivergedError, NautilusError } from '../../core/errors.ts';
import { limitMemory } from '../../core/memory-limit.ts';
import type { TrainingJob, TrainingProgress, TrainingResult } from './job.ts';
import { train } from './train.ts';

/** What the parent says, once. */
export interface ChildOrder {
  readonly job: TrainingJob;
  readonly threads: number;
  readonly resume: Uint8Array | undefined;
  readonly checkpointMs: number;
}

/** What the child says. */
export type ChildMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly progress: TrainingProgress }
  | { readonly type: 'checkpoint'; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly result: TrainingResult }
  | { readonly type: 'failed'; readonly slug: string; readonly detail: string; readonly step?: number };

const tell = (message: ChildMessage) => process.send!(message);

async function run({ job, threads, resume, checkpointMs }: ChildOrder): Promise<void> {
  try {
    const result = await train(job, {
      threads,
      resume,
      checkpointMs,
      checkpoint: (bytes) => tell({ type: 'checkpoint', bytes }),
      async progress(progress) {
        tell({ type: 'progress', progress });
        // A turn of the event loop lets the message out, and the parent's end be noticed.
        await Bun.sleep(0);
      },
    });
    tell({ type: 'done', result });
  } catch (error) {
    const known = error instanceof NautilusError;
    tell({
      type: 'failed',
      slug: known ? error.slug : 'internal',
      detail: error instanceof Error ? error.message : String(error),
      ...(error instanceof DivergedError ? { step: Number(error.extras.step) } : {}),
    });
  }
}

if (import.meta.main) {
  limitMemory(Number(process.argv[2]));
  // Without its parent nobody would take the result.
  process.on('disconnect', () => process.exit(0));
  process.once('message', (order: ChildOrder) => void run(order));
  tell({ type: 'ready' });
}
