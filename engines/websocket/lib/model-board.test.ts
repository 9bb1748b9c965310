// The snapshot of models against the messages that made it: newest states, bounds, curves of losses.
import { describe, expect, test } from 'bun:test';
import type { Envelope } from '../../../src/bus/envelope.ts';
import type { Topic } from '../../../src/bus/topics.ts';
import { topics } from '../../../test/support/engine.ts';
import { MODEL_LIMITS, ModelBoard } from './model-board.ts';

let at = 0;
function tell(board: ModelBoard, topic: Topic<unknown>, body: object): void {
  const { name } = topic;
  const meta = { id: 'i', version: 1, ts_event_us: ++at, ts_sent_us: 0, correlation_id: 'c', source: 'ml' };
  board.take({ ...meta, topic: name, body } as Envelope);
}
const step = (n: number, over: object = {}) => ({
  job_id: 'j',
  state: 'running',
  step: n,
  loss: 1 / n,
  validation_loss: null,
  ...over,
});

describe('the board of models', () => {
  test('keeps the newest word on each model by id, and forgets deleted ones', () => {
    const board = new ModelBoard();
    for (const model_id of ['b', 'a', 'c'])
      tell(board, topics.models, { model_id, deleted: false, name: 'old' });
    tell(board, topics.models, { model_id: 'b', deleted: false, name: 'new' });
    tell(board, topics.models, { model_id: 'c', deleted: true, name: 'old' });
    expect(board.snapshot().models).toEqual([
      { model_id: 'a', deleted: false, name: 'old' },
      { model_id: 'b', deleted: false, name: 'new' },
    ] as never);
  });

  test('keeps the losses of a training in bounds, the first and the newest among them', () => {
    const board = new ModelBoard();
    const last = 5 * MODEL_LIMITS.curve;
    for (let n = 1; n <= last; n++) {
      tell(board, topics.trainingUpdates, step(n));
      const { step: steps, loss, validation_loss } = board.snapshot().trainings[0]!.curve;
      expect(steps.length).toBeLessThanOrEqual(MODEL_LIMITS.curve);
      expect([loss.length, validation_loss.length]).toEqual([steps.length, steps.length]);
      expect([steps[0], steps.at(-1)]).toEqual([1, n]);
    }
    const { curve } = board.snapshot().trainings[0]!;
    expect(curve.loss).toEqual(curve.step.map((n) => 1 / n));
    // Its beginning is as dense as its end: gaps of half as many points at equal distances are 10 steps.
    const gaps = curve.step.slice(1).map((n, i) => n - curve.step[i]!);
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(Math.max(...gaps)).toBeLessThanOrEqual((2 * last) / (MODEL_LIMITS.curve / 2));
  });

  test('replaces a step that is told again, ignores older ones, and begins anew when a training does', () => {
    const board = new ModelBoard();
    const curve = () => board.snapshot().trainings[0]!.curve;
    for (const body of [
      step(1),
      step(2),
      step(2, { loss: 9 }),
      step(1, { loss: 7 }),
      step(3, { loss: null }),
    ])
      tell(board, topics.trainingUpdates, body);
    expect(curve()).toEqual({ step: [1, 2], loss: [1, 9], validation_loss: [null, null], stride: 1 });
    tell(board, topics.trainingUpdates, step(1, { state: 'started', step: null }));
    expect(curve().step).toEqual([]);
  });

  test('keeps the figures of a window when a word on a retraining comes, and a retraining that runs when a window ends', () => {
    const board = new ModelBoard();
    tell(board, topics.driftUpdates, { model_id: 'm', window: 3, rows: 50, retraining: null });
    const retraining = { retraining_id: 'r', state: 'running' };
    tell(board, topics.driftUpdates, { model_id: 'm', window: null, rows: 0, retraining });
    expect(board.snapshot().monitors).toEqual([{ model_id: 'm', window: 3, rows: 50, retraining }] as never);
    tell(board, topics.driftUpdates, { model_id: 'm', window: 4, rows: 60, retraining: null });
    expect(board.snapshot().monitors).toEqual([{ model_id: 'm', window: 4, rows: 60, retraining }] as never);
    const ended = { ...retraining, state: 'completed' };
    tell(board, topics.driftUpdates, { model_id: 'm', window: null, rows: 0, retraining: ended });
    tell(board, topics.driftUpdates, { model_id: 'm', window: 5, rows: 70, retraining: null });
    expect(board.snapshot().monitors).toEqual([
      { model_id: 'm', window: 5, rows: 70, retraining: null },
    ] as never);
  });

  test('is bounded, what was not heard of longest going first; lists have the newest first', () => {
    const board = new ModelBoard();
    const many = 1000;
    for (let i = 0; i < many; i++) {
      tell(board, topics.models, { model_id: `${i}`, deleted: false });
      tell(board, topics.trainingUpdates, step(1, { job_id: `${i}` }));
      tell(board, topics.searchUpdates, { job_id: `${i}` });
      tell(board, topics.experimentUpdates, { experiment_id: `${i}` });
      tell(board, topics.driftUpdates, { model_id: `${i}`, window: 1 });
      tell(board, topics.mlPredictions, { symbol: `${i}` });
      tell(board, topics.decisions, { decision_id: `${i}`, symbol: 'A' });
      tell(board, topics.marketLiveData, { symbol: `${i}` });
    }
    const snapshot = board.snapshot();
    for (const kind of [
      'models',
      'trainings',
      'searches',
      'experiments',
      'monitors',
      'predictions',
      'decisions',
    ] as const)
      expect([kind, snapshot[kind].length]).toEqual([kind, MODEL_LIMITS[kind]]);
    expect(snapshot.decisions[0]!.decision_id).toBe(`${many - 1}`);
    expect(snapshot.decisions.at(-1)!.decision_id).toBe(`${many - MODEL_LIMITS.decisions}`);
  });
});
