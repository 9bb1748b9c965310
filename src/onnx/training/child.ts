// The process that trains: gets one job from its parent, tells how far it is, and ends. Started by in-child.ts.
import type { z } from 'zod';
import { answerOrders } from '../../core/child-work.ts';
import type { ChildOrder, doneSchema, Note } from './child-messages.ts';
import { train } from './train.ts';

answerOrders<ChildOrder, z.infer<typeof doneSchema> | Note>(
  async ({ job, threads, resume, checkpointMs }, tell) => {
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
    return { type: 'done', result };
  },
);
