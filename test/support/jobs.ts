// Waiting for jobs of an engine under test.
import { topics } from '../../src/bus/topics.ts';
import type { TestEngine } from './engine.ts';
import { eventually } from './eventually.ts';

/** Waits until so many jobs of a kind have ended, by what the bus says: asking the engine all the while takes time from the process that works. */
export async function jobsEnded(engine: TestEngine, kind: string, count: number): Promise<void> {
  const ended = () =>
    engine
      .messages(topics.jobs)
      .filter(({ body }) => body.kind === kind && ['completed', 'failed'].includes(body.state));
  await eventually(() => new Set(ended().map(({ body }) => body.job_id)).size >= count, `${count} ${kind}`);
}
