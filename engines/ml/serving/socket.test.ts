// Predictions over a WebSocket through the engine's port.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import type { ServerWebSocket } from 'bun';
import type { SocketData } from '../../../src/http/engine.ts';
import { TestEngine, walkBars } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { expectedRows, featureBodies } from '../test-features.ts';
import type { Serving } from './serving.ts';
import { MAX_RUNNING, PredictionSocket } from './socket.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
const rows = expectedRows(featureBodies(walkBars('ROWS', 300))).flatMap((row) => (row ? [[...row]] : []));

interface Answer {
  readonly id: string | number | null;
  readonly predictions?: number[];
  readonly error?: { readonly type: string; readonly status: number };
}

describe('predictions over a WebSocket', () => {
  let engine: TestEngine;
  let expected: number[];
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    expected = (await engine.post('/predict', { inputs: rows })).body.predictions;
  });
  afterAll(() => engine.stop());

  const open = async (headers: Record<string, string> = {}) => {
    const answers: Answer[] = [];
    const url = `${engine.url.replace('http', 'ws')}/predict/ws`;
    const socket = new WebSocket(url, { headers } as never);
    socket.onmessage = ({ data }) => void answers.push(JSON.parse(data as string));
    const opened = await new Promise<boolean>((told) => {
      socket.onopen = () => told(true);
      socket.onerror = () => told(false);
    });
    return { socket, answers, opened };
  };
  const connections = async () => (await engine.get('/system/status')).body.prediction_sockets;

  test('answer each frame with its id and the numbers of its rows', async () => {
    const { socket, answers } = await open();
    for (let i = 0; i < 20; i++) socket.send(JSON.stringify({ id: i, inputs: rows.slice(i, i + 3) }));
    await eventually(() => answers.length === 20, 'all answers', 30_000);
    for (const { id, predictions } of answers)
      expect(predictions).toEqual(expected.slice(id as number, (id as number) + 3));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(20);
    socket.close();
    await eventually(async () => (await connections()) === 0, 'the connection to be forgotten', 30_000);
  });

  test('tell what is wrong with a frame, and go on', async () => {
    const { socket, answers } = await open();
    const frames: [string, string, number][] = [
      ['{"id": 1', 'malformed-body', 400],
      ['[]', 'invalid-option', 422],
      [JSON.stringify({ id: 2, inputs: [] }), 'invalid-option', 422],
      [JSON.stringify({ id: 3, inputs: [[1]] }), 'shape-mismatch', 422],
      [JSON.stringify({ id: 4, inputs: [rows[0]], model_id: 'nope' }), 'not-found', 404],
      [JSON.stringify({ id: 5, inputs: [rows[0]], hardware: 'tpu' }), 'invalid-option', 422],
    ];
    for (const [frame, slug, status] of frames) {
      const before = answers.length;
      socket.send(frame);
      await eventually(() => answers.length > before, `an answer to ${frame}`, 30_000);
      expect(answers.at(-1)!.error).toMatchObject({ type: `/problems/${slug}`, status });
    }
    expect(answers.map(({ id }) => id)).toEqual([null, null, 2, 3, 4, 5]);
    socket.send(JSON.stringify({ id: 'last', inputs: [rows[0]] }));
    await eventually(() => answers.at(-1)!.id === 'last', 'an answer after all', 30_000);
    expect(answers.at(-1)!.predictions).toEqual(expected.slice(0, 1));
    socket.close();
  });

  test('are refused to pages of elsewhere', async () => {
    expect((await open({ origin: 'https://elsewhere.example' })).opened).toBe(false);
    const { opened, socket } = await open({ origin: engine.url });
    expect(opened).toBe(true);
    socket.close();
  });
});

/** A connection whose frames are kept, with `unread` bytes that its client has not taken. */
function fakeConnection(serving: Partial<Serving>, unread = 0) {
  const { handlers } = new PredictionSocket(serving as Serving, 1024).endpoint;
  const sent: Answer[] = [];
  const closed: (number | undefined)[] = [];
  const ws = {
    data: { id: 'one', keyId: null },
    send: (text: string) => sent.push(JSON.parse(text)),
    getBufferedAmount: () => unread,
    close: (code?: number) => closed.push(code),
  } as unknown as ServerWebSocket<SocketData>;
  handlers.open!(ws);
  const ask = (id: number) => handlers.message!(ws, JSON.stringify({ id, inputs: [[1]] }));
  return { sent, closed, ask, leave: () => handlers.close!(ws, 1000, '') };
}

test('a client has at most so many requests under way; more are refused, and given up when it leaves', async () => {
  const signals: AbortSignal[] = [];
  const batchInParts: Serving['batchInParts'] = (_, signal) => {
    signals.push(signal);
    return new Promise(() => {});
  };
  const { sent, ask, leave } = fakeConnection({ batchInParts });
  for (let id = 0; id <= MAX_RUNNING; id++) ask(id);
  await eventually(() => sent.length === 1, 'the refusal');
  expect(sent[0]).toMatchObject({ id: MAX_RUNNING, error: { type: '/problems/overloaded', status: 503 } });
  expect(signals).toHaveLength(MAX_RUNNING);
  leave();
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

test('a client that does not read is let go', async () => {
  const batchInParts = (async () => ({})) as unknown as Serving['batchInParts'];
  const slow = fakeConnection({ batchInParts }, 9 * 2 ** 20);
  slow.ask(1);
  await eventually(() => slow.closed.length > 0, 'the end');
  expect(slow.closed).toEqual([1013]);
});
