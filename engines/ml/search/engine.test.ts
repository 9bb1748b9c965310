// Searches through the port of the engine: a table in, a leader board and a deployed model out, on every database.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { Philox } from '../../../src/core/philox.ts';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type EngineStore, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';

const ROWS = 800;

/** A price whose next return follows `signal` with noise, so that there is something to learn. */
function table(): string {
  const random = new Philox(7).fillUniform(new Float64Array(2 * ROWS));
  const lines = ['ts,close,volume,signal'];
  let close = 100;
  for (let i = 0; i < ROWS; i++) {
    const signal = random[2 * i]! - 0.5;
    lines.push(`${1_600_000_000 + i * 60},${close},${1000 + 100 * signal},${signal}`);
    close *= Math.exp(0.01 * (signal + 2 * (random[2 * i + 1]! - 0.5)));
  }
  return `${lines.join('\n')}\n`;
}

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`searches on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let dataset_id: string;
    beforeAll(async () => {
      store = await start();
      engine = await TestEngine.start(definition, { ...store.env(), NAUTILUS_THREADS: '2' });
      const headers = { 'content-type': 'text/csv' };
      const response = await fetch(`${engine.url}/datasets`, { method: 'POST', body: table(), headers });
      dataset_id = (await response.json()).dataset_id;
    });
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const features = [
      { kind: 'value', column: 'signal' },
      { kind: 'log_return', column: 'close' },
    ];
    const accepted = async (path: string, body: object): Promise<Reply> => {
      const reply = await engine.post(path, { dataset_id, ...body });
      expect([reply.status, reply.body.errors]).toEqual([202, undefined]);
      return reply;
    };
    const ended = async ({ body: { job_id } }: Reply) => {
      await eventually(async () => (await engine.get(`/jobs/${job_id}`)).body.finished_ts_us !== null, 'the end');
      return (await engine.get(`/automl/results/${job_id}`)).body;
    };

    test('the best of several trials is fitted again, tested on rows that none saw, and deployed once', async () => {
      const job = await accepted('/hyperopt/start', { family: 'ridge', features, max_trials: 6, target: { kind: 'log_return' } });
      const results = await ended(job);
      expect([results.state, results.reason]).toEqual(['completed', null]);
      console.log(JSON.stringify(results, null, 1).slice(0, 6000));
      const a = await engine.post(`/automl/deploy/${job.body.job_id}`);
      console.log(JSON.stringify(a.body, null, 1).slice(0, 1500));
    });
  });
}
