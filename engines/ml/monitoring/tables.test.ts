// Reports on tables over HTTP: two tables, a table against a version, quality; small ones at once, others as jobs.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { Philox } from '../../../src/core/philox.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const ROWS = 400;

describe('reports on tables', () => {
  let engine: TestEngine;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    engine = await TestEngine.start(definition, {
      NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'),
    });
    for (const [name, shift, seed] of [
      ['old', 0, 1],
      ['same', 0, 2],
      ['new', 0.5, 3],
    ] as const)
      ids[name] = await upload(name, table(shift, seed));
  });
  afterAll(() => engine?.stop());

  /** Two columns of noise, the first one shifted, one that never changes and one without a value. */
  function table(shift: number, seed: number, rows = ROWS): string {
    const u = new Philox(seed).fillUniform(new Float64Array(2 * rows));
    const lines = Array.from(
      { length: rows },
      (_, i) => `${1_600_000_000 + 60 * i},${u[2 * i]! + shift},${u[2 * i + 1]!},7,`,
    );
    return `ts,close,noise,fixed,empty\n${lines.join('\n')}\n`;
  }
  const upload = async (name: string, body: string): Promise<string> => {
    const response = await fetch(`${engine.url}/datasets?name=${name}`, { method: 'POST', body });
    return ((await response.json()) as { dataset_id: string }).dataset_id;
  };
  const side = (name: string) => ({ dataset_id: ids[name]! });
  const drift = (reference: object, current: string, more: object = {}) =>
    engine.post('/drift', { reference, current: side(current), ...more });
  const reasons = (body: { columns: { column: string; reason: string }[] }) =>
    Object.fromEntries(body.columns.map(({ column, reason }) => [column, reason]));

  test('tables of one distribution do not drift, and what cannot be judged says why', async () => {
    const { status, body } = await drift(side('old'), 'same');
    expect([status, body.drifted]).toEqual([200, 0]);
    expect(reasons(body)).toMatchObject({ fixed: 'constant', empty: 'all_missing' });
    expect(JSON.stringify(body)).not.toContain('NaN');
  });

  test('a shifted column does', async () => {
    const { body } = await drift(side('old'), 'new', { columns: ['close', 'noise'] });
    expect(body).toMatchObject({ drifted: 1, rows: { reference: ROWS, current: ROWS } });
    expect(body.columns[0]).toMatchObject({ column: 'close', drifted: true, reason: 'distribution' });
    const [shifted] = body.columns;
    for (const name of ['psi', 'ks', 'js', 'wasserstein'])
      expect(shifted.tests[name].statistic).toBeGreaterThan(0.2);
    expect(shifted.p_adjusted).toBeLessThan(1e-6);
    expect(shifted.power).toBeGreaterThan(0.5);
  });

  test('ten rows are too few, which is said', async () => {
    ids.few = await upload('few', table(0, 4, 10));
    const { body } = await drift(side('old'), 'few', { columns: ['close'] });
    expect(body).toMatchObject({ judged: 0, drifted: 0 });
    expect(reasons(body)).toEqual({ close: 'too_few_rows' });
  });

  test('wrong requests are refused', async () => {
    expect((await drift(side('old'), 'old', { columns: ['mood'] })).status).toBe(422);
    expect((await drift({ dataset_id: '0123456789abcdef' }, 'old')).status).toBe(404);
    expect((await drift({ model_id: 'nobody' }, 'old')).status).toBe(404);
    // Its training is not here: nothing says what it was fitted on.
    expect((await drift({ model_id: 'btc-direction-15m' }, 'old')).status).toBe(404);
    const wrong = await drift(side('old'), 'old', { drift: { alpha: 0.7 } });
    expect([wrong.status, wrong.body.errors[0].pointer]).toEqual([422, '/drift/alpha']);
  });

  test('as a page', async () => {
    const body = JSON.stringify({ reference: side('old'), current: side('new') });
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${engine.url}/drift?format=html`, { method: 'POST', body, headers });
    expect(reply.headers.get('content-type')).toContain('text/html');
    expect(await reply.text()).toContain('<svg');
  });

  const ended = async (url: string) => {
    let job = (await engine.get(url)).body;
    await eventually(async () => {
      job = (await engine.get(url)).body;
      return job.finished_ts_us !== null;
    }, 'the job');
    expect([job.state, job.error]).toEqual(['completed', null]);
    return (await engine.get(job.result_url)).body;
  };

  test('against what a version was fitted on: its features of the new table', async () => {
    await engine.post('/models', { model_id: 'level', model_type: 'price_prediction', family: 'ridge' });
    const features = [
      { kind: 'value', column: 'close' },
      { kind: 'value', column: 'noise', lag: 1 },
    ];
    const train = { ...side('old'), features, target: { kind: 'value', column: 'close' }, resamples: 100 };
    await ended((await engine.post('/models/level/train', train)).body.progress_url);
    const accepted = await drift({ model_id: 'level', version: '1' }, 'new');
    expect(accepted.status).toBe(202);
    const report = await ended(accepted.body.progress_url);
    expect(report).toMatchObject({ drifted: 1, reference: { kind: 'training', version: '1' } });
    expect(report.columns.map(({ column }: { column: string }) => column)).toEqual(['close', 'noise_lag_1']);
  });

  test('the quality of a table: what is constant, empty and doubled', async () => {
    const { status, body } = await engine.post('/quality', side('old'));
    expect([status, body.rows, body.columns, body.passed]).toEqual([200, ROWS, 4, false]);
    const found = (flag: string) => body.findings.find((f: { flag: string }) => f.flag === flag);
    expect(found('constant')).toMatchObject({ column: 'fixed', failed: true });
    expect(found('all_missing')).toMatchObject({ column: 'empty', failed: true, count: ROWS });
    const page = await fetch(`${engine.url}/quality?format=html`, {
      method: 'POST',
      body: JSON.stringify(side('old')),
      headers: { 'content-type': 'application/json' },
    });
    expect(await page.text()).toContain('all missing');
  });

  test('as a job, held against the ranges of another table', async () => {
    const asked = { ...side('new'), reference_dataset_id: ids.old, async: true };
    const accepted = await engine.post('/quality', asked);
    expect(accepted.status).toBe(202);
    const report = await ended(accepted.body.progress_url);
    const out = report.findings.find((f: { flag: string }) => f.flag === 'out_of_range');
    expect(out).toMatchObject({ column: 'close', failed: true });
  });
});
