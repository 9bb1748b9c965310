// What callers get when an arm is not there any more, and what an experiment keeps while nothing can be stored.
import { expect, test } from 'bun:test';
import { NotFoundError } from '../../../src/core/errors.ts';
import type { PredictReply, PredictRequest } from '../serving/schemas.ts';
import { Answering } from './answering.ts';
import type { Served } from './count.ts';
import { type Definition, type Experiment, type ExperimentRow, NO_RESULT, NO_TALLY } from './records.ts';
import { Running } from './running.ts';

const arms = ['control', 'challenger'].map((name, i) => {
  const model_id = i === 0 ? 'm' : 'other';
  return { name, model_id, version: 1, precision: 'float32', reference: `${model_id}@1` } as const;
});
const experiment: Experiment = {
  row: { experiment_id: 'e', model_id: 'm', state: 'running', stage: 0 } as ExperimentRow,
  definition: { mode: 'ab', metric: 'accuracy', arms } as unknown as Definition,
  result: NO_RESULT,
  // Every key is the challenger's.
  ramps: [[0, 1]],
  tallies: arms.map(() => NO_TALLY),
  watch: NO_TALLY,
};

function answeringBy(predict: (request: PredictRequest) => PredictReply) {
  return new Answering({
    serving: { predict: async (request) => predict(request) },
    nowUs: () => 1,
    happened() {},
    answered() {},
  });
}
const gone = ({ model_id }: PredictRequest): PredictReply => {
  if (model_id === 'm@1') return { model_id: 'm', predictions: [1], signal: null } as unknown as PredictReply;
  throw new NotFoundError('Expected the id of a model');
};

test('a request whose arm went away is answered by the control, one of an unknown instrument is not', async () => {
  const running = new Running(experiment);
  const answering = answeringBy(gone);
  const ask = (of: Partial<PredictRequest>) =>
    answering.answer(running, 'key', { model_id: 'm', ...of } as PredictRequest, undefined, undefined);
  const { experiment: said } = await ask({ inputs: [[1]] });
  expect(said).toEqual({ id: 'e', arm: 'control', key: 'key', instead_of: 'challenger' });
  expect(running.take().served.map(({ runs }) => runs)).toEqual([[{ arm: 'challenger', latencyMs: null }]]);
  await expect(ask({ symbol: 'NOBODY' })).rejects.toThrow(NotFoundError);
  expect(running.waiting).toBe(0);
});

test('of requests that wait to be stored at most ten thousand are kept, and a million rows of them', () => {
  const running = new Running(experiment);
  const served = (key: string, rows: number): Served => ({
    ...{ key, stage: 0, runs: [{ arm: 'control', latencyMs: 1 }], atUs: 1 },
    prediction: { id: key, said: { control: { p: new Array<number>(rows).fill(0) } } },
  });
  const wide = served('wide', 1000);
  for (let i = 0; i < 1005; i++) running.add(wide);
  const taken = running.take();
  expect([taken.served.length, taken.lost]).toEqual([1000, 5]);
  // What could not be stored is older, and what has no room after it is lost.
  running.add(served('since', 1));
  running.giveBack(taken);
  const again = running.take();
  expect([again.served.length, again.lost]).toEqual([1000, 6]);
  for (let i = 0; i < 10_001; i++) running.add(served('narrow', 1));
  expect([running.waiting, running.take().lost]).toEqual([10_000, 1]);
});
