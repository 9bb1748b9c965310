// Features over HTTP alone on real data: made and stored, chosen, correlated, and what a version makes of them.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { sharedData } from '../../../test/shared-data.ts';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const BTC = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const STOCKS = sharedData('sp500-20-stocks-daily-close-1990-2022.csv.gz');

const FEATURES = [
  { kind: 'indicator', name: 'rsi' },
  { kind: 'indicator', name: 'macd', relative: true },
  { kind: 'log_return', column: 'close', periods: 5 },
  { kind: 'z_score', column: 'volume', window: 20 },
  { kind: 'ratio', column: 'high', to: 'low' },
];
const NAMES = [
  'rsi_14',
  ...['macd', 'signal', 'histogram'].map((output) => `macd_12_26_9_${output}_to_close`),
  ...['close_log_return_5', 'volume_z_score_20', 'high_to_low'],
];
const TARGET = { kind: 'direction', column: 'close', horizon: 5 };

describe.skipIf(BTC === null || STOCKS === null)(
  'features (where this machine has the shared market data)',
  () => {
    let engine: TestEngine;
    let bars: string;
    let stocks: string;
    beforeAll(async () => {
      engine = await TestEngine.start(definition);
      const post = async (file: string, rows: number) => {
        const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file).bytes())).split('\n');
        const body = lines.slice(0, rows + 1).join('\n');
        const reply = await fetch(`${engine.url}/datasets`, { method: 'POST', body });
        return ((await reply.json()) as { dataset_id: string }).dataset_id;
      };
      bars = await post(BTC!, 1500);
      stocks = await post(STOCKS!, 900);
    });
    afterAll(() => engine?.stop());

    const followed = async ({ status, body }: Reply) => {
      expect([status, body.errors, body.detail]).toEqual([202, undefined, undefined]);
      const job = async () => (await engine.get(body.progress_url)).body;
      await eventually(async () => (await job()).finished_ts_us !== null, 'the work ends');
      expect(await job()).toMatchObject({ state: 'completed', error: null });
      return (await engine.get(`${body.progress_url}/result`)).body;
    };

    test('are made of a table, described, stored, and trained on like any table', async () => {
      const body = {
        dataset_id: bars,
        features: FEATURES,
        keep: ['close'],
        save: true,
        name: 'made',
        preview: 2,
      };
      const { status, body: made } = await engine.post('/features/engineer', body);
      expect([status, made.errors, made.detail]).toEqual([200, undefined, undefined]);
      expect(made.columns.map((one: { name: string }) => one.name)).toEqual([...NAMES, 'close']);
      expect(made.columns[0]).toMatchObject({ missing: 14, reason: null });
      expect(made.history).toEqual({ needed: 34, from_start: NAMES.slice(0, 4) });
      expect(made.preview).toHaveLength(2);
      expect(made.dataset).toMatchObject({ name: 'made', rows: 1500 });
      const stored = (await engine.get(`/datasets/${made.dataset.dataset_id}`)).body;
      expect(stored.columns[0]).toMatchObject({ name: 'rsi_14', missing: 14, min: made.columns[0].min });
      expect(await followed(await engine.post('/features/engineer', { ...body, async: true }))).toEqual(made);
    });

    test('are made of posted rows, and leave as Arrow', async () => {
      const posted = Array.from({ length: 30 }, (_, i) => ({
        symbol: 'X',
        ts_event_us: 1e6 * (i + 1),
        close: 100 + i * i,
      }));
      const features = [{ kind: 'difference', column: 'close' }];
      const request = { bars: posted, features, drop_missing: true };
      const { body } = await engine.post('/features/engineer', request);
      expect(body.rows).toBe(29);
      expect(body.preview.at(-1)).toEqual({ symbol: 'X', ts_event_us: 30e6, values: [29 ** 2 - 28 ** 2] });
      const response = await fetch(`${engine.url}/features/engineer`, {
        method: 'POST',
        body: JSON.stringify({ ...request, drop_missing: false }),
        headers: { 'content-type': 'application/json', accept: 'application/vnd.apache.arrow.stream' },
      });
      const table = tableFromIPC(await response.bytes());
      expect(table.schema.fields.map(({ name }) => name)).toEqual([
        'ts_event_us',
        'symbol',
        'close_difference_1',
      ]);
      expect([table.numRows, table.get(0)!.close_difference_1, table.get(29)!.close_difference_1]).toEqual([
        30,
        null,
        57,
      ]);
      expect([table.get(29)!.ts_event_us, table.get(29)!.symbol]).toEqual([30_000_000n, 'X']);
    });

    test.each(['mutual_information', 'mrmr', 'stability', 'fdr'])(
      'are chosen by %s, of the training part alone',
      async (method) => {
        const request = { dataset_id: bars, features: FEATURES, target: TARGET, method, top: 3, samples: 10 };
        const { status, body } = await engine.post('/features/selection', request);
        expect([status, body.errors, body.detail]).toEqual([200, undefined, undefined]);
        expect(body.features.map((one: { name: string }) => one.name).sort()).toEqual([...NAMES].sort());
        expect(body.selected.length).toBeLessThanOrEqual(3);
        expect(body.rows.to_us).toBeLessThan(body.rows.test_from_us);
        expect(body.rows.used + body.rows.incomplete + body.rows.held_out).toBe(1500 - 5);
        if (method !== 'fdr') return;
        // In a process of its own it is the same.
        expect(await followed(await engine.post('/features/selection', { ...request, async: true }))).toEqual(
          body,
        );
      },
    );

    test('are chosen by stability as a job where many halves of many columns are looked at', async () => {
      const features = Array.from({ length: 80 }, (_, lag) => ({ kind: 'value', column: 'close', lag }));
      const request = { dataset_id: bars, features, target: TARGET, method: 'stability', samples: 1000 };
      const { status, body } = await engine.post('/features/selection', request);
      expect(status).toBe(202);
      expect((await engine.send('DELETE', body.progress_url)).status).toBeLessThan(300);
    });

    test('that are constant or missing have a reason, and the target of a panel may come from any column', async () => {
      const rows = Array.from(
        { length: 120 },
        (_, i) => `${1_600_000_000 + 60 * i},${i % 7},5,,${Math.sin(i)}`,
      );
      const csv = `ts,x,same,gone,close\n${rows.join('\n')}\n`;
      const { dataset_id } = (await (
        await fetch(`${engine.url}/datasets`, { method: 'POST', body: csv })
      ).json()) as {
        dataset_id: string;
      };
      const target = { kind: 'value', column: 'close', horizon: 1 };
      const { body } = await engine.post('/features/selection', { dataset_id, target });
      expect(body.features.slice(1)).toEqual([
        { name: 'same', selected: false, score: null, reason: 'constant' },
        { name: 'gone', selected: false, score: null, reason: 'all_missing' },
      ]);
      const told = (await engine.get(`/features/correlation?dataset_id=${dataset_id}`)).body;
      expect(told).toMatchObject({ columns: ['x', 'close'], rows: 120 });
      expect(told.unusable.map(({ reason }: { reason: string }) => reason)).toEqual([
        'constant',
        'all_missing',
      ]);
      const made = await engine.post('/features/engineer', {
        dataset_id,
        features: [{ kind: 'value', column: 'gone' }],
      });
      expect(made.body.columns[0]).toMatchObject({ missing: 120, min: null, reason: 'all_missing' });
      const few = await engine.post('/features/selection', { dataset_id, target, test_fraction: 0.7 });
      expect([few.status, few.body.type]).toEqual([422, '/problems/insufficient-history']);
    });

    test('are correlated: matrix, pairs, groups; prices of stocks that rose together are redundant', async () => {
      const { status, body } = await engine.get(
        `/features/correlation?dataset_id=${stocks}&method=spearman&threshold=0.95&pairs=3`,
      );
      expect([status, body.detail]).toEqual([200, undefined]);
      expect(body.matrix).toHaveLength(body.columns.length);
      expect(body.pairs).toHaveLength(3);
      const [first] = body.pairs;
      const at = (name: string) => body.columns.indexOf(name);
      expect(body.matrix[at(first.a)][at(first.b)]).toBe(first.correlation);
      expect(Math.abs(first.correlation)).toBeGreaterThan(0.95);
      expect(body.groups[0].redundant.length).toBeGreaterThan(0);
      // Long work is a job, whose answer the same request finds.
      const path = `/features/correlation?dataset_id=${stocks}&method=kendall`;
      const job = await engine.get(path);
      const result = await followed(job);
      expect((await engine.get(path)).body).toEqual(result);
      expect(result.columns).toEqual(body.columns);
    });

    describe('of a version', () => {
      beforeAll(async () => {
        for (const [model_id, family] of [
          ['trees', 'gradient_boosting'],
          ['line', 'logistic'],
        ] as const) {
          await engine.post('/models', { model_id, model_type: 'trading_signals', family });
          const body = { dataset_id: bars, features: FEATURES, target: TARGET, resamples: 100 };
          const options = family === 'gradient_boosting' ? { options: { rounds: 10, max_leaves: 8 } } : {};
          await followed(await engine.post(`/models/${model_id}/train`, { ...body, ...options }));
          await engine.post(`/models/${model_id}/deploy`);
        }
      });
      const asked = (query: string) => engine.get(`/features/importance?${query}`);
      type Told = { name: string; importance: number; standard_error?: number };

      test('have the gain that the fit told, as a share', async () => {
        const { status, body } = await asked('model_id=trees');
        expect([status, body.rows_of]).toEqual([200, 'fit']);
        expect(body.features.map(({ name }: Told) => name).sort()).toEqual([...NAMES].sort());
        expect(body.features.reduce((sum: number, one: Told) => sum + one.importance, 0)).toBeCloseTo(1, 5);
      });

      test('have what the log-loss grows by when they are shuffled, on test rows', async () => {
        const query = 'model_id=line&version=1&method=permutation&repeats=3';
        const told = await followed(await asked(query));
        expect(told).toMatchObject({ version: '1', rows_of: 'test_rows', loss: { score: 'log_loss' } });
        const version = (await engine.get('/models/line/versions/1')).body;
        expect(told.loss.value).toBeCloseTo(version.metrics['classification.log_loss'], 6);
        expect(told.features.every(({ standard_error }: Told) => standard_error! >= 0)).toBe(true);
        expect(await asked(query)).toMatchObject({ status: 200, body: told });
      });

      test('have Shapley values: exact ones of trees, sampled ones of other models', async () => {
        const exact = await followed(await asked('model_id=trees&method=shap&rows=50&explain=2'));
        expect(exact.measure).toEndWith('exact TreeSHAP');
        expect([exact.rows, exact.explained.length, exact.explained[0].values.length]).toEqual([
          50,
          2,
          NAMES.length,
        ]);
        expect(exact.features[0].standard_error).toBeUndefined();
        const sampled = await followed(await asked('model_id=line&method=shap&rows=20&walks=4&explain=1'));
        expect(sampled.explained[0].values[0]).toHaveLength(2);
        // Probabilities of two classes: what one gains the other loses.
        const [down, up] = sampled.explained[0].values[0];
        expect(down + up).toBeCloseTo(0, 5);
      });

      test('are correlated as they were trained on', async () => {
        const { body } = await engine.get('/features/correlation?model_id=trees@1');
        expect(body.columns.sort()).toEqual([...NAMES].sort());
      });
    });

    test.each([
      ['neither table nor rows', 'POST', '/features/engineer', { features: FEATURES }, 422, ''],
      [
        'an unknown indicator',
        'POST',
        '/features/engineer',
        { features: [{ kind: 'indicator', name: 'x' }] },
        422,
        '/features/0/name',
      ],
      [
        'an unknown column',
        'POST',
        '/features/engineer',
        { features: [{ kind: 'value', column: 'mood' }] },
        422,
        undefined,
      ],
      [
        'a column kept twice',
        'POST',
        '/features/engineer',
        { features: [{ kind: 'value', column: 'close' }], keep: ['close'] },
        422,
        '/keep/0',
      ],
      ['no target', 'POST', '/features/selection', { target: { kind: 'none' } }, 422, '/target/kind'],
      [
        'an unknown method',
        'POST',
        '/features/selection',
        { target: TARGET, method: 'magic' },
        422,
        '/method',
      ],
      [
        'an unknown table',
        'GET',
        '/features/correlation?dataset_id=0123456789abcdef',
        undefined,
        404,
        undefined,
      ],
      [
        'ranks in pairs',
        'GET',
        '/features/correlation?dataset_id={bars}&method=kendall&missing=pairwise',
        undefined,
        422,
        'query/missing',
      ],
      [
        'an unknown column',
        'GET',
        '/features/correlation?dataset_id={bars}&columns=close,mood',
        undefined,
        422,
        undefined,
      ],
      ['an unknown model', 'GET', '/features/importance?model_id=nobody', undefined, 404, undefined],
      [
        'a model of the models directory',
        'GET',
        '/features/importance?model_id=btc-direction-15m&method=shap',
        undefined,
        409,
        undefined,
      ],
    ])('%s is refused (%s %s)', async (what, method, path, body, status, pointer) => {
      const table = what.startsWith('neither') ? {} : { dataset_id: bars };
      const reply = await engine.send(method, path.replace('{bars}', bars), body && { ...table, ...body });
      expect([reply.status, reply.body.errors?.[0]?.pointer]).toEqual([status, pointer]);
    });
  },
);
