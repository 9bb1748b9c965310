// Ingests of a source in tests of the Market Data engine.
import { expect } from 'bun:test';
import type { TestEngine } from './engine.ts';
import { eventually } from './eventually.ts';

/** Reads history of a source as a job, and returns the state and the result of the job. */
export async function ingest(
  engine: TestEngine,
  source: string,
  body: Readonly<Record<string, unknown>>,
): Promise<{ readonly job: Record<string, unknown>; readonly result: Record<string, unknown> }> {
  const accepted = await engine.post(`/ingest/${source}`, body);
  expect(accepted.status).toBe(202);
  const path = `/jobs/${accepted.body.job_id}`;
  let job: Record<string, unknown> = {};
  await eventually(async () => {
    job = (await engine.get(path)).body;
    return job.state === 'completed' || job.state === 'failed';
  }, 'the end of the job');
  return { job, result: (await engine.get(`${path}/result`)).body };
}

/** Reads history of a source, and returns what came of it. */
export async function ingested(
  engine: TestEngine,
  source: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { job, result } = await ingest(engine, source, body);
  expect(job).toMatchObject({ state: 'completed' });
  return result;
}
