// Models whose answers are known, and an engine that has them, for the tests of this folder.
import { Split } from '../../../src/learning/experiments/assign.ts';
import { encodeLogistic } from '../../../src/onnx/logistic.ts';

/** A reply of an engine. */
interface Reply {
  readonly status: number;
  // Tests look into replies of many shapes.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

/** Whoever asks an engine. */
interface Client {
  post(path: string, body?: unknown): Promise<Reply>;
}

/** Column of both models. */
export const COLUMNS = ['x'];

/** A classifier that says a rise where x is positive; `slope` -1 says the contrary, 0 always the same. */
export function signModel(slope: number, intercept = 0): string {
  const bytes = encodeLogistic({
    inputNames: COLUMNS,
    mean: [0],
    std: [1],
    coefficients: [4 * slope],
    intercept,
  });
  return Buffer.from(bytes).toString('base64');
}

/** Registers a model whose versions have these slopes, the first of them deployed. */
export async function withVersions(
  engine: Client,
  model_id: string,
  slopes: readonly number[],
): Promise<void> {
  const [first, ...others] = slopes;
  const file = (slope: number) => ({ inputs: COLUMNS, artefact_base64: signModel(slope) });
  expectStatus(
    await engine.post('/models', { model_id, model_type: 'classification', ...file(first!) }),
    201,
  );
  for (const slope of others)
    expectStatus(await engine.post(`/models/${model_id}/versions`, file(slope)), 201);
  expectStatus(await engine.post(`/models/${model_id}/deploy`, { version: '1' }), 200);
}

/** Begins an experiment and returns its page. */
export async function begun(engine: Client, body: object): Promise<Reply['body']> {
  return expectStatus(await engine.post('/experiments', body), 201);
}

/** Returns the body of a reply of this status; throws what it says else. */
export function expectStatus(reply: Reply, status: number): Reply['body'] {
  if (reply.status === status) return reply.body;
  throw new Error(`Expected ${status}, was ${reply.status}: ${JSON.stringify(reply.body)}`);
}

/** Row `i` of a walk between -1 and 1 that never is 0, and whether it is positive. */
export function rowAt(i: number): { readonly x: number; readonly rises: 0 | 1 } {
  const x = Math.sin(1 + i * 2.39996);
  return { x, rises: x > 0 ? 1 : 0 };
}

/** Asks for a prediction of each key; returns the replies in order. */
export async function predictKeys(
  engine: Client,
  model_id: string,
  keys: readonly string[],
  rowOf: (i: number) => number = (i) => rowAt(i).x,
): Promise<Reply['body'][]> {
  const replies: Reply['body'][] = [];
  const AT_ONCE = 50;
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const part = keys.slice(from, from + AT_ONCE).map(async (key, i) => {
      const body = { model_id, key, inputs: [[rowOf(from + i)]] };
      return expectStatus(await engine.post('/predict', body), 200);
    });
    replies.push(...(await Promise.all(part)));
  }
  return replies;
}

/** Keys with a name before their number. */
export function keysOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}

/** So many keys of each arm, in turns as far as they go: no chance is left in how they are divided. */
export function keysByArm(
  experiment: string,
  history: readonly (readonly number[])[],
  counts: readonly number[],
  name: string,
): string[] {
  const split = new Split(experiment, history);
  const found: string[][] = counts.map(() => []);
  for (let i = 0; found.some((keys, arm) => keys.length < counts[arm]!); i++) {
    const keys = found[split.armOf(`${name}-${i}`)]!;
    if (keys.length < counts[found.indexOf(keys)]!) keys.push(`${name}-${i}`);
  }
  const most = Math.max(...counts);
  return Array.from({ length: most }, (_, turn) =>
    found.flatMap((keys) => keys.slice(turn, turn + 1)),
  ).flat();
}
