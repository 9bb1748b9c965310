// Many rows through the engine's port: Arrow, jobs, server-sent events.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import {
  Float32,
  makeData,
  makeVector,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { ARROW_STREAM } from '../../../src/http/media-types.ts';
import { MODEL_INPUTS } from '../../../src/indicators/index.ts';
import { TestEngine, walkBars } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { expectedRows, featureBodies } from '../test-features.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'), MAX_BATCH_SIZE: '64' };
const rows = expectedRows(featureBodies(walkBars('ROWS', 400))).flatMap((row) => (row ? [[...row]] : []));

const columnOf = (values: readonly number[]) =>
  makeVector(makeData({ type: new Float32(), data: Float32Array.from(values) }));
const tableOf = (inputs: readonly (readonly number[])[], names: readonly string[] = MODEL_INPUTS) =>
  new Table(Object.fromEntries(names.map((name, i) => [name, columnOf(inputs.map((row) => row[i]!))])));

describe('bulk predictions', () => {
  let engine: TestEngine;
  let expected: { predictions: number[]; confidence: number[] };
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    expected = (await engine.post('/predict', { inputs: rows })).body;
  });
  afterAll(() => engine.stop());

  const postArrow = (body: Uint8Array, query = '', headers: Record<string, string> = {}) =>
    fetch(`${engine.url}/predict/batch${query}`, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': ARROW_STREAM, ...headers },
    });

  describe('as Arrow', () => {
    test('are those of the same rows in JSON, whatever the order of the columns and of record batches', async () => {
      const shuffled = [...MODEL_INPUTS].reverse();
      const reversed = rows.map((row) => [...row].reverse());
      const half = rows.length >> 1;
      const cut = tableOf(rows.slice(0, half)).concat(tableOf(rows.slice(half)));
      for (const table of [tableOf(rows), tableOf(reversed, shuffled), cut]) {
        const response = await postArrow(tableToIPC(table, 'stream'));
        expect([response.status, response.headers.get('content-type')]).toEqual([200, ARROW_STREAM]);
        expect(response.headers.get('x-model-version')).toBe('1.0.0');
        const reply = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
        expect([...reply.getChild('prediction')!]).toEqual(expected.predictions);
        expect([...reply.getChild('confidence')!]).toEqual(expected.confidence.map(Math.fround));
      }
    });

    test('answer in JSON who asks for it, and JSON in Arrow', async () => {
      const body = tableToIPC(tableOf(rows.slice(0, 3)), 'stream');
      const json = await postArrow(body, '?hardware=cpu', { accept: 'application/json' });
      expect(await json.json()).toMatchObject({ predictions: expected.predictions.slice(0, 3) });
      const arrow = await fetch(`${engine.url}/predict/batch`, {
        method: 'POST',
        body: JSON.stringify({ inputs: rows.slice(0, 3) }),
        headers: { 'content-type': 'application/json', accept: ARROW_STREAM },
      });
      const reply = tableFromIPC(new Uint8Array(await arrow.arrayBuffer()));
      expect([...reply.getChild('prediction')!]).toEqual(expected.predictions.slice(0, 3));
    });

    test('that are no rows of the model are refused by name', async () => {
      const few = rows.slice(0, 2);
      const [first, ...others] = MODEL_INPUTS;
      const text = new Table({ ...columns(few, others), [first!]: vectorFromArray(['a', 'b'], new Utf8()) });
      const holes = new Table({
        ...columns(few, others),
        [first!]: vectorFromArray([1, null], new Float32()),
      });
      const good = tableToIPC(tableOf(few), 'stream');
      const cases: [Uint8Array, number, string, string][] = [
        [new Uint8Array(0), 422, 'invalid-option', 'row'],
        [new TextEncoder().encode('{"inputs": [[1]]}'), 400, 'malformed-body', 'Arrow'],
        [good.slice(0, good.length >> 1), 400, 'malformed-body', 'Arrow'],
        [
          tableToIPC(
            tableOf(
              few.map((row) => row.slice(1)),
              others,
            ),
            'stream',
          ),
          422,
          'invalid-option',
          first!,
        ],
        [tableToIPC(tableOf(few, [...others, 'unknown']), 'stream'), 422, 'invalid-option', '1 unknown'],
        [tableToIPC(text, 'stream'), 422, 'invalid-option', `/${first}`],
        [tableToIPC(holes, 'stream'), 422, 'non-finite-input', '/inputs/1/0'],
        [tableToIPC(tableOf(few).slice(0, 0), 'stream'), 422, 'invalid-option', 'row'],
        [tableToIPC(tableOf(Array(100_001).fill(few[0])), 'stream'), 413, 'too-large', '100000'],
      ];
      for (const [body, status, slug, named] of cases) {
        const response = await postArrow(body);
        const problem = await response.text();
        expect([named, response.status, JSON.parse(problem).type]).toEqual([
          named,
          status,
          `/problems/${slug}`,
        ]);
        expect(problem).toContain(named);
      }
      for (const query of ['?hardware=tpu', '?timeout_ms=0', '?nope=1', '?allow_fallback=maybe'])
        expect([query, (await postArrow(good, query)).status]).toEqual([query, 422]);
    });
  });

  describe('as a job', () => {
    test('are fetched later, more than one run takes, with progress', async () => {
      const accepted = await engine.post('/predict/batch', { inputs: rows, async: true });
      expect(accepted).toMatchObject({ status: 202, body: { kind: 'predict', state: 'waiting' } });
      const path = `/predict/results/${accepted.body.job_id}`;
      await eventually(async () => (await engine.get(path)).status !== 202, 'the predictions', 30_000);
      expect((await engine.get(path)).body).toMatchObject({
        model_id: 'btc-direction-15m',
        predictions: expected.predictions,
        confidence: expected.confidence,
      });
      const job = (await engine.get(`/jobs/${accepted.body.job_id}`)).body;
      expect(job.progress).toEqual({ done: rows.length, total: rows.length, note: 'rows' });
    });

    test('that fail say why, and unknown ones are not there', async () => {
      const { body } = await engine.post('/predict/batch', { inputs: [[1]], async: true });
      const path = `/predict/results/${body.job_id}`;
      await eventually(async () => (await engine.get(path)).status !== 202, 'the failure', 60_000);
      expect(await engine.get(path)).toMatchObject({
        status: 409,
        body: { type: '/problems/conflict', error: { type: '/problems/shape-mismatch' } },
      });
      expect((await engine.get('/predict/results/nope')).status).toBe(404);
      const bad = await engine.post('/predict/batch', { inputs: [], async: true });
      expect(bad).toMatchObject({ status: 422 });
    });
  });

  describe('as events', () => {
    const events = async (response: Response) => {
      const text = await response.text();
      return text
        .split('\n\n')
        .filter((part) => part !== '')
        .map((part) => {
          const [name, data] = part.split('\n');
          return { name: name!.slice('event: '.length), data: JSON.parse(data!.slice('data: '.length)) };
        });
    };
    const post = (body: unknown, signal?: AbortSignal) =>
      fetch(`${engine.url}/predict/stream`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
        ...(signal ? { signal } : {}),
      });

    test('come part by part, in order, with an end', async () => {
      const response = await post({ inputs: rows.slice(0, 25), batch_size: 10 });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const all = await events(response);
      expect(all.map(({ name }) => name)).toEqual(['predictions', 'predictions', 'predictions', 'end']);
      expect(all.map(({ data }) => data.from ?? data.rows)).toEqual([0, 10, 20, 25]);
      expect(all.flatMap(({ data }) => data.predictions ?? [])).toEqual(expected.predictions.slice(0, 25));
    });

    test('of a bad request are a problem like any other', async () => {
      for (const body of [
        { inputs: [[1]] },
        { inputs: rows, batch_size: 0 },
        { inputs: rows, model_id: 'nope' },
      ]) {
        const response = await post(body);
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.headers.get('content-type')).toContain('problem+json');
      }
    });

    test('end with an error where a later part fails', async () => {
      const overflows = [3e38, 0, 3e38, 3e38, 3e38, 3e38, 3e38];
      const all = await events(await post({ inputs: [rows[0], overflows, rows[1]] }));
      expect(all.map(({ name }) => name)).toEqual(['predictions', 'error']);
      expect(all[1]!.data).toMatchObject({ type: '/problems/non-finite-input', status: 422 });
    });

    test('are made no further once the client is gone', async () => {
      const made = async () => {
        const metrics = (await engine.get('/metrics')).body as string;
        return Number(/nautilus_ml_predict_seconds_count\{[^}]*\} (\d+)/.exec(metrics)![1]);
      };
      const before = await made();
      const many = Array.from({ length: 5000 }, (_, i) => rows[i % rows.length]!);
      const leaving = new AbortController();
      const response = await post({ inputs: many }, leaving.signal);
      await response.body!.getReader().read();
      leaving.abort();
      let last = -1;
      await eventually(
        async () => {
          const now = await made();
          const still = now === last;
          last = now;
          return still;
        },
        'the work to stop',
        60_000,
      );
      expect(last - before).toBeLessThan(many.length);
    });
  });
});

function columns(inputs: readonly (readonly number[])[], names: readonly string[]) {
  return Object.fromEntries(names.map((name, i) => [name, columnOf(inputs.map((row) => row[i + 1]!))]));
}
