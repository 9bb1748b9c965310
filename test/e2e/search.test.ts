// A search over the end of its engine: the command, a real engine process, kill -9 in the middle of a hundred trials.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { searchTable } from '../../engines/ml/search/test-table.ts';
import { eventually } from '../support/eventually.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(180_000);

const TRIALS = 100;

describe('a search whose engine is killed', () => {
  let system: TestSystem;
  let dataset_id: string;
  beforeAll(async () => {
    system = await TestSystem.start(['--only', 'ml']);
    const { body } = await system.request('ml', '/datasets', { method: 'POST', body: searchTable(400) });
    dataset_id = body.dataset_id;
  });
  afterAll(() => system?.stop());

  const start = async () => {
    const { status, body } = await system.post('ml', '/hyperopt/start', {
      ...{ dataset_id, family: 'gradient_boosting', target: { kind: 'log_return' }, max_trials: TRIALS },
      features: [{ kind: 'value', column: 'signal' }],
      // Alike on every machine, however many trials run at a time.
      ...{ parallel: 2, lag: 4, pruner: 'median', seed: 5 },
    });
    expect([status, body.errors]).toEqual([202, undefined]);
    return body.job_id as string;
  };

  const ended = async (id: string, port: () => number) => {
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${port()}${path}`).catch(() => null))?.json();
    await eventually(async () => (await get(`/jobs/${id}`))?.finished_ts_us > 0, 'the search to end');
    return { job: await get(`/jobs/${id}`), results: await get(`/automl/results/${id}?limit=1000`) };
  };

  test('goes on from its trials, counts each once, and has those of a search that nobody killed', async () => {
    let { port, pid } = await system.engine('ml');
    const id = await start();
    const status = async () => (await system.request('ml', `/hyperopt/progress/${id}`)).body;
    await eventually(async () => (await status()).trials.complete >= 5, 'some trials to end');
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const now = await system.engine('ml');
      if (now.pid === pid || now.health !== 'healthy') return false;
      ({ port, pid } = now);
      return true;
    }, 'the engine to come back');
    const { job, results } = await ended(id, () => port);
    expect([job.state, job.error?.detail]).toEqual(['completed', undefined]);
    expect(job.attempt).toBe(2);
    const { complete, pruned, ...others } = results.trials;
    expect([complete + pruned, others]).toEqual([TRIALS, { running: 0, failed: 0, cancelled: 0 }]);
    const again = await ended(await start(), () => port);
    type Row = { trial: number; point: object; state: string; loss: number };
    const trialsOf = ({ leader_board }: { leader_board: Row[] }) =>
      leader_board.map(({ trial, point, state, loss }) => ({ trial, point, state, loss }));
    expect(trialsOf(results)).toHaveLength(TRIALS);
    expect(trialsOf(results)).toEqual(trialsOf(again.results));
    expect(results.test.report.groups).toEqual(again.results.test.report.groups);
  });
});
