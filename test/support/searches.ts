// For tests: waits for the end of a search by what it tells the bus, which costs the trials no time.
import { topics } from '../../src/bus/topics.ts';
import type { TestEngine } from './engine.ts';
import { eventually } from './eventually.ts';

/** What a search has told so far. */
export const told = (engine: TestEngine, id: string) =>
  engine.messages(topics.searchUpdates).flatMap(({ body }) => (body.job_id === id ? [body] : []));

const ENDS = ['completed', 'failed', 'cancelled'];

/** Resolves to the results of a search when it and its job have ended. */
export async function ended(engine: TestEngine, id: string) {
  await eventually(() => told(engine, id).some(({ state }) => ENDS.includes(state)), 'the end', 110_000);
  await eventually(
    async () => (await engine.get(`/jobs/${id}`)).body.finished_ts_us !== null,
    'the end of its job',
  );
  return (await engine.get(`/automl/results/${id}`)).body;
}
