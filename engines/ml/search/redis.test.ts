// A search over Redis: two processes of the engine, which share database and tables, run its trials together.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../../../test/support/postgres.ts';
import { REDIS_SERVER, TestRedis } from '../../../test/support/redis.ts';
import definition from '../index.ts';
import { searchTable } from './test-table.ts';

describe.skipIf(!REDIS_SERVER || !POSTGRES_BIN)('trials over Redis', () => {
  let redis: TestRedis;
  let postgres: TestPostgres;
  const engines: TestEngine[] = [];
  beforeAll(async () => {
    [redis, postgres] = await Promise.all([TestRedis.start(), TestPostgres.start()]);
    for (let i = 0; i < 2; i++) {
      const shared = engines[0] ? { NAUTILUS_DATA_DIR: engines[0].dataDir } : {};
      const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url, NAUTILUS_THREADS: '1', ...shared };
      engines.push(await TestEngine.start(definition, env));
    }
  });
  afterAll(async () => {
    for (const engine of engines.toReversed()) await engine.stop();
    await redis?.stop();
    await postgres?.stop();
  });

  /** Trials that a process has counted. */
  const ranBy = async (engine: TestEngine) => {
    const text = await (await fetch(`${engine.url}/metrics`)).text();
    const counts = [...text.matchAll(/^nautilus_ml_search_trials_total\{[^}]*\} (\d+)/gm)];
    return counts.reduce((sum, [, count]) => sum + Number(count), 0);
  };

  test('are run by both, and each is counted once', async () => {
    const [first, second] = engines as [TestEngine, TestEngine];
    const response = await fetch(`${first.url}/datasets`, { method: 'POST', body: searchTable(300) });
    const { dataset_id } = (await response.json()) as { dataset_id: string };
    const { status, body } = await first.post('/hyperopt/start', {
      ...{ dataset_id, family: 'ridge', target: { kind: 'log_return' }, max_trials: 10_000, parallel: 4 },
      features: [{ kind: 'value', column: 'signal' }],
      sampler: 'random',
    });
    expect([status, body.errors]).toEqual([202, undefined]);
    await eventually(async () => (await ranBy(first)) > 0 && (await ranBy(second)) > 0, 'both to run trials');
    // Either of them cancels, and tells the same.
    await second.send('DELETE', `/jobs/${body.job_id}`);
    await eventually(
      async () => (await second.get(`/automl/status/${body.job_id}`)).body.state === 'cancelled',
      'the search to end',
    );
    await eventually(async () => {
      const running = await Promise.all(
        engines.map(async (one) => (await one.get('/system/status')).body.jobs.running),
      );
      return running.every((count) => count === 0);
    }, 'its trials to end');
    const { trials, leader_board } = (await first.get(`/automl/results/${body.job_id}?limit=1000`)).body;
    expect(trials.running).toBe(0);
    expect(trials.complete).toBe((await ranBy(first)) + (await ranBy(second)));
    const numbers = leader_board.map(({ trial }: { trial: number }) => trial);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test('become one version, although both are asked to deploy at once', async () => {
    const [first, second] = engines as [TestEngine, TestEngine];
    const response = await fetch(`${first.url}/datasets`, { method: 'POST', body: searchTable(300) });
    const { dataset_id } = (await response.json()) as { dataset_id: string };
    const { body } = await first.post('/hyperopt/start', {
      ...{ dataset_id, family: 'ridge', target: { kind: 'log_return' }, max_trials: 2 },
      features: [{ kind: 'value', column: 'signal' }],
    });
    // Either of them may have run it.
    const results = async () => (await first.get(`/automl/results/${body.job_id}`)).body;
    await eventually(async () => (await results()).state === 'completed', 'the search to end');
    const { leader_board } = await results();
    const models = async () =>
      (await first.get('/models?limit=100')).body.models.map(
        ({ model_id }: { model_id: string }) => model_id,
      );
    const before = await models();
    for (const { trial } of leader_board) {
      const asked = { choice: trial, production_ready: false };
      const replies = await Promise.all(
        [first, second].map((engine) => engine.post(`/automl/deploy/${body.job_id}`, asked)),
      );
      const [one, other] = replies.map(({ status, body: { model_id, version } }) => [
        status,
        model_id,
        version,
      ]);
      expect(one).toEqual([200, expect.any(String), '1']);
      expect(other).toEqual(one!);
    }
    expect(await models()).toHaveLength(before.length + 2);
  });
});
