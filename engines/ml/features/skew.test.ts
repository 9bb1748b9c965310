// No skew: the same bars through training, posted history and the stream give the same bits, for every kind of feature.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { topics } from '../../../src/bus/topics.ts';
import { featureNames, featureSchema } from '../../../src/learning/tables/features.ts';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { targetSchema } from '../../../src/learning/tables/target.ts';
import { FEATURE_EXAMPLES } from '../../../src/learning/tables/test-features.ts';
import { type TrainingSet, trainingSet } from '../../../src/learning/tables/training-set.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { featureBodies } from '../test-features.ts';

const FILE = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const ROWS = 700;
/** Rows that are asked for, among them the last one, which has no label. */
const ASKED = [699, 640, 480];
const EVERY = Object.values(FEATURE_EXAMPLES).flat();
const LIMITS = { maxBytes: 2 ** 24, maxCells: 1e7 };
type PostedBar = { symbol: string; ts_event_us: number; [column: string]: number | string };
const PRICES = ['open', 'high', 'low', 'close', 'volume'] as const;

describe.skipIf(FILE === null)('the same bars (where this machine has the shared market data)', () => {
  let engine: TestEngine;
  let dataset: string;
  let bars: PostedBar[];
  let others: PostedBar[];
  let set: TrainingSet;
  beforeAll(async () => {
    const lines = new TextDecoder().decode(gunzipSync(await Bun.file(FILE!).bytes())).split('\n');
    const { frame: read } = await readFrameCsv(
      new Response(lines.slice(0, 2 * ROWS + 1).join('\n')).body!,
      LIMITS,
    );
    const bar = (row: number, symbol: string, time: number) => ({
      symbol,
      ts_event_us: read.tsUs[time]!,
      ...Object.fromEntries(PRICES.map((name) => [name, read.columns.get(name)![row]!])),
    });
    bars = Array.from({ length: ROWS }, (_, row) => bar(row, 'BTC-PERP', row));
    // A second series for what compares series: the bars that follow, at the same times.
    others = Array.from({ length: ROWS }, (_, row) => bar(row + ROWS, 'OTHER', row));
    const written = [...bars, ...others].map((one) => Object.values(one).join());
    const csv = `symbol,ts,${PRICES.join()}\n${written.join('\n')}\n`;
    const { frame } = await readFrameCsv(new Response(csv).body!, LIMITS);
    set = trainingSet(frame, EVERY, targetSchema.parse({ kind: 'value', column: 'close', horizon: 0 }), {
      steps: 2,
    });
    engine = await TestEngine.start(definition);
    const reply = await fetch(`${engine.url}/datasets`, { method: 'POST', body: csv });
    dataset = ((await reply.json()) as { dataset_id: string }).dataset_id;
  });
  afterAll(() => engine?.stop());

  const trained = async (model_id: string, request: object) => {
    await engine.post('/models', { model_id, model_type: 'price_prediction', family: 'ridge' });
    const body = { dataset_id: dataset, resamples: 100, ...request };
    const { status, body: job } = await engine.post(`/models/${model_id}/train`, body);
    expect([status, job.errors, job.detail]).toEqual([202, undefined, undefined]);
    const ended = async () => (await engine.get(job.progress_url)).body;
    await eventually(async () => (await ended()).finished_ts_us !== null, `${model_id} is trained`);
    expect(await ended()).toMatchObject({ state: 'completed', error: null });
    expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
  };

  test('of every kind of feature: what training reads is what posted history gives', async () => {
    await trained('every', { features: EVERY, target: { kind: 'log_return' }, steps: 2 });
    const { startUs } = set.data.spans;
    for (const row of ASKED) {
      const history = [...bars.slice(0, row + 1), ...others.slice(0, row + 1)];
      const { status, body } = await engine.post('/predict', { model_id: 'every', bars: history, last: 2 });
      expect([status, body.errors, body.detail]).toEqual([200, undefined, undefined]);
      expect(body.rows.map((one: { ts_event_us: number }) => one.ts_event_us)).toEqual(
        [row - 1, row - 1, row, row].map((at) => bars[at]!.ts_event_us),
      );
      const at = startUs.indexOf(bars[row]!.ts_event_us);
      const { columns, inputs } = set.data;
      for (const [i, { inputs: given }] of body.rows.slice(2).entries())
        expect(given).toEqual([...inputs.subarray((at + i) * columns, (at + i + 1) * columns)]);
      expect(body.inputs).toEqual([...set.inputs]);
      const again = await engine.post('/predict', {
        model_id: 'every',
        inputs: body.rows.map((one: { inputs: number[] }) => one.inputs),
      });
      expect(again.body.predictions).toEqual(body.predictions);
    }
  });

  test('of the stream: its newest features are those of posted history', async () => {
    await trained('seven', { features: [{ kind: 'bars' }], target: { kind: 'log_return' } });
    const typed = bars.map((bar) => ({ ...bar, interval_us: 60_000_000 })) as never as Parameters<
      typeof featureBodies
    >[0];
    const { length } = featureBodies(typed);
    featureBodies(typed).forEach((body, i) => {
      engine.bus.publish(topics.featureValues, body, { tsEventUs: typed[i]!.ts_event_us });
    });
    await engine.received(topics.mlPredictions, length);
    const streamed = (await engine.post('/predict', { model_id: 'seven', symbol: 'BTC-PERP' })).body;
    const posted = (await engine.post('/predict', { model_id: 'seven', bars })).body;
    expect(posted.predictions).toEqual(streamed.predictions);
    expect(posted.rows[0]).toMatchObject({ symbol: 'BTC-PERP', ts_event_us: streamed.ts_event_us });
    expect(posted.history).toEqual({
      needed: 201,
      from_start: featureNames([featureSchema.parse({ kind: 'bars' })]),
    });
  });

  test.each([
    ['too few rows', { bars: 40 }, 422, 'insufficient-history'],
    ['more rows than are computed in one request', { bars: 700, copies: 28 }, 413, 'too-large'],
    ['one series of several that are compared', { bars: 300 }, 422, 'non-finite-input'],
    ['a column that is missing', { bars: 300, without: 'high' }, 422, 'invalid-option'],
    ['a time that comes twice', { bars: 300, twice: true }, 422, 'invalid-option'],
    ['a gap in the newest row', { bars: 300, copies: 2, gap: true }, 422, 'non-finite-input'],
    ['inputs beside bars', { bars: 300, inputs: [[1]] }, 422, 'invalid-option'],
    ['a model of the models directory', { bars: 300, model_id: 'btc-direction-15m' }, 409, 'conflict'],
  ])('%s is refused', async (_, change, status, slug) => {
    const {
      bars: count,
      without,
      twice,
      gap,
      copies = 1,
      ...rest
    } = change as {
      bars: number;
      without?: string;
      twice?: boolean;
      gap?: boolean;
      copies?: number;
    };
    const posted: Record<string, unknown>[] = Array.from({ length: copies }, (_, copy) =>
      bars.slice(0, count).map((bar) => ({ ...bar, symbol: `${bar.symbol}-${copy}` })),
    ).flat();
    if (without) for (const bar of posted) delete bar[without];
    if (twice) posted[5]!.ts_event_us = posted[4]!.ts_event_us;
    if (gap) posted.at(-1)!.close = null;
    const reply = await engine.post('/predict', { model_id: 'every', bars: posted, ...rest });
    expect([reply.status, reply.body.type]).toEqual([status, `/problems/${slug}`]);
  });
});
