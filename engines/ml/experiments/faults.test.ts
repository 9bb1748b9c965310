// Challengers that are at fault, canaries that grow, and requests that are refused, over REST.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { encodeModel, type NodeSpec } from '../../../src/onnx/graph.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { begun, expectStatus, keysByArm, keysOf, predictKeys, withVersions } from './test-kit.ts';

/** A regression of one column: the number itself, or its logarithm, which a negative one has none of. */
function numberModel(op: 'Identity' | 'Log', inputs = ['x']): object {
  const columns = inputs.length;
  const nodes: NodeSpec[] = [
    { op: 'ReduceMean', inputs: ['input', 'axes'], outputs: ['mean'] },
    { op, inputs: ['mean'], outputs: ['output'] },
  ];
  const file = encodeModel({
    graph: {
      name: 'number',
      nodes,
      constants: [{ name: 'axes', type: 'int64', dims: [1], data: BigInt64Array.of(1n) }],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', columns] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', 1] }],
    },
  });
  return { inputs, probe: [inputs.map(() => 1)], artefact_base64: Buffer.from(file).toString('base64') };
}

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start(definition);
  const first = { model_id: 'number', model_type: 'regression', ...numberModel('Identity') };
  expectStatus(await engine.post('/models', first), 201);
  for (const version of [numberModel('Log'), numberModel('Identity'), numberModel('Identity', ['x', 'y'])])
    expectStatus(await engine.post('/models/number/versions', version), 201);
  expectStatus(await engine.post('/models/number/deploy', { version: '1' }), 200);
  await withVersions(engine, 'sign', [1, -1]);
}, 60_000);
afterAll(() => engine?.stop());

const page = async (id: string) => expectStatus(await engine.get(`/experiments/${id}`), 200);
const arms = (version: string) => [{ model: '1' }, { name: 'new', model: version }];
const quick = { latency_ms: null };

describe('a canary', () => {
  test('that is at fault goes back at once, and no caller sees it', async () => {
    const made = await begun(engine, {
      ...{ model_id: 'number', mode: 'canary', metric: 'error_rate', arms: arms('2'), guardrails: quick },
      canary: { steps: [0.5], step_requests: 1000 },
    });
    // Positive rows have a logarithm, others none.
    const half = [[0.5, 0.5]];
    const keys = (name: string, each: number) => keysByArm(made.experiment_id, half, [each, each], name);
    const good = await predictKeys(engine, 'number', keys('good', 10), () => 2);
    expect(new Set(good.map(({ experiment }) => experiment.arm))).toEqual(new Set(['control', 'new']));
    const bad = await predictKeys(engine, 'number', keys('bad', 30), () => -2);
    expect(bad.map(({ predictions }) => predictions)).toEqual(bad.map(() => [-2]));
    const instead = bad.filter(({ experiment }) => experiment?.instead_of === 'new');
    expect(instead.length).toBeGreaterThan(0);
    for (const { model_version, experiment, prediction_id } of instead)
      expect([model_version, experiment.arm, prediction_id]).toEqual(['1', 'control', null]);
    await eventually(
      async () => (await page(made.experiment_id)).state === 'rolled_back',
      'the end of the canary',
    );
    const closed = await page(made.experiment_id);
    expect(closed).toMatchObject({ winner: 'control', reason: expect.stringContaining('error_rate') });
    expect(closed.arms[0].errors).toBe(0);
    expect(closed.arms[1].errors).toBeGreaterThan(1);
    const [after] = await predictKeys(engine, 'number', ['later'], () => -2);
    expect([after.model_version, after.experiment]).toEqual(['1', undefined]);
    // A row that nobody can answer is nobody's fault.
    expect((await engine.post('/predict', { model_id: 'number', inputs: [[1, 2]] })).status).toBe(422);
  }, 60_000);

  test('that holds grows by its steps and waits for a person, who promotes it', async () => {
    const { experiment_id: id, arms: first } = await begun(engine, {
      ...{ model_id: 'number', mode: 'canary', metric: 'error_rate', arms: arms('3'), guardrails: quick },
      ...{ canary: { steps: [0.4, 0.8], step_requests: 30 }, min_samples: 30 },
    });
    expect(first.map(({ weight }: { weight: number }) => weight)).toEqual([0.6, 0.4]);
    const steps = [
      [0.6, 0.4],
      [0.2, 0.8],
    ];
    const keys = keysByArm(id, steps.slice(0, 1), [45, 30], 'k');
    const before = await predictKeys(engine, 'number', keys, () => 1);
    const grown = await page(id);
    expect([grown.stage, grown.arms[1].weight]).toEqual([1, 0.8]);
    // Whoever had the canary keeps it.
    const kept = keys.filter((_, i) => before[i].experiment.arm === 'new').slice(0, 5);
    for (const { experiment } of await predictKeys(engine, 'number', kept, () => 1))
      expect(experiment.arm).toBe('new');
    await predictKeys(engine, 'number', keysByArm(id, steps, [8, 30], 'later'), () => 1);
    expect(await page(id)).toMatchObject({ state: 'decided', winner: 'new' });
    const promoted = expectStatus(await engine.post(`/experiments/${id}/promote`), 200);
    expect(promoted).toMatchObject({ state: 'promoted', promoted_seq: 2 });
    expect((await engine.get('/models/number')).body.production_version).toBe('3');
    const { entries } = (await engine.get(`/experiments/${id}/audit?limit=2`)).body;
    expect(entries.map(({ action, actor }: never) => [action, actor])).toEqual([
      ['promoted', 'person'],
      ['decided', 'engine'],
    ]);
  }, 60_000);
});

test('a shadow that is at fault is counted, and never seen', async () => {
  const { experiment_id: id } = await begun(engine, {
    ...{
      model_id: 'number',
      mode: 'shadow',
      metric: 'absolute_error',
      guardrails: { ...quick, error_rate: null },
    },
    arms: [{ model: '3' }, { name: 'log', model: '2' }],
  });
  const said = await predictKeys(engine, 'number', keysOf('s', 10), (i) => (i < 4 ? -1 : 1));
  expect(said.map(({ model_version }) => model_version)).toEqual(said.map(() => '3'));
  const { arms: counted, comparisons } = await page(id);
  expect(counted.map(({ requests, errors }: never) => [requests, errors])).toEqual([
    [10, 0],
    [10, 4],
  ]);
  // The logarithm of 1 is 0, which has another sign than 1.
  expect(comparisons[0].agreement).toBe(0);
  const outcomes = said.map(({ prediction_id }) => ({ prediction_id, outcome: 1 }));
  expect((await engine.post(`/experiments/${id}/outcomes`, { outcomes })).body.counted).toBe(10);
  const [control, log] = (await page(id)).arms;
  expect(control.value).toBeCloseTo(0.8, 12);
  expect([control.observations, log.value, log.observations]).toEqual([10, 1, 6]);
  expectStatus(await engine.post(`/experiments/${id}/rollback`), 200);
}, 60_000);

test('arms may be called as what every object inherits, and outcomes whose squares are not finite are refused', async () => {
  const names = ['constructor', 'other'];
  const { experiment_id: id, comparisons } = await begun(engine, {
    ...{ model_id: 'sign', metric: 'return_bps', guardrails: quick },
    arms: names.map((name, i) => ({ name, model: `${i + 1}` })),
  });
  expect(comparisons[0].p_value).toBe(1);
  const said = await predictKeys(engine, 'sign', keysByArm(id, [[0.5, 0.5]], [4, 4], 'k'));
  const post = (outcome: number) =>
    engine.post(`/experiments/${id}/outcomes`, {
      outcomes: said.map(({ prediction_id }) => ({ prediction_id, outcome })),
    });
  for (const outcome of [1e200, -1e31]) {
    const refused = await post(outcome);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/outcomes/0/outcome']);
  }
  expect(expectStatus(await post(1e30), 200).counted).toBe(8);
  const ramp = (weights: object) => engine.post(`/experiments/${id}/ramp`, { weights });
  expect((await ramp({ control: 0.5, other: 0.5 })).body.errors[0].expected).toBe(
    'a weight for each of constructor, other',
  );
  const ramped = expectStatus(await ramp({ constructor: 0.2, other: 0.8 }), 200);
  expect(ramped.arms.map(({ name, weight, observations }: never) => [name, weight, observations])).toEqual([
    ['constructor', 0.2, 4],
    ['other', 0.8, 4],
  ]);
  expectStatus(await engine.post(`/experiments/${id}/stop`), 200);
}, 60_000);

test('what contradicts itself is refused with its place, before anything is made', async () => {
  const secret = 'sekret';
  const body = (over: object) => ({ model_id: 'sign', metric: 'accuracy', ...over });
  const two = (...weights: number[]) => weights.map((weight, i) => ({ model: `${i + 1}`, weight }));
  const cases: [object, number, string][] = [
    [body({ arms: [{ model: '1' }] }), 422, '/arms'],
    [body({ arms: two(0.5, 0.4) }), 422, '/arms'],
    [body({ arms: [{ model: '1', weight: 0.5 }, { model: '2' }] }), 422, '/arms'],
    [body({ arms: [{ model: '1' }, { model: '1' }] }), 422, '/arms/1/model'],
    [body({ arms: [{ model: '1' }, { model: '9' }] }), 422, '/arms/1/model'],
    [body({ arms: [{ model: '1' }, { model: `${secret}@1` }] }), 422, '/arms/1/model'],
    [
      body({
        arms: [
          { name: 'a', model: '1' },
          { name: 'a', model: '2' },
        ],
      }),
      422,
      '/arms/1/name',
    ],
    [body({ arms: [{ model: '1' }, { model: 'number@1' }] }), 422, '/arms/1/model'],
    [
      body({ model_id: 'number', arms: [{ model: '1' }, { model: '4' }], metric: 'latency_ms' }),
      422,
      '/arms/1/model',
    ],
    [body({ metric: 'absolute_error' }), 422, '/metric'],
    [body({ metric: secret }), 422, '/metric'],
    [body({ alpha: 0.5 }), 422, '/alpha'],
    [body({ min_samples: 3 }), 422, '/min_samples'],
    [body({ mode: 'shadow', arms: two(0.5, 0.5) }), 422, '/arms'],
    [body({ mode: 'canary', arms: [{ model: '1' }, { model: '2' }, { model: 'latest' }] }), 422, '/arms'],
    [body({ mode: 'canary', canary: { steps: [0.5, 0.2] } }), 422, '/canary/steps'],
    [body({ guardrails: { latency_ms: -1 } }), 422, '/guardrails/latency_ms'],
    [body({ [secret]: 1 }), 422, ''],
    [body({ model_id: secret }), 404, ''],
    // Of the folder of models, which is only read.
    [body({ model_id: 'btc-direction-15m' }), 409, ''],
  ];
  for (const [given, status, pointer] of cases) {
    const reply = await engine.post('/experiments', given);
    const pointers = (reply.body.errors ?? []).map((field: { pointer: string }) => field.pointer);
    expect([pointer, reply.status, reply.type]).toEqual([pointer, status, 'application/problem+json']);
    if (pointer) expect(pointers).toContain(pointer);
    if (!('secret' in given) && !JSON.stringify(Object.keys(given)).includes(secret))
      expect(JSON.stringify(reply.body)).not.toContain(secret);
  }
  expect((await engine.get('/experiments?model_id=sign&state=running')).body.experiments).toEqual([]);

  const { experiment_id: id } = await begun(engine, body({ arms: two(0.7, 0.3) }));
  const [said] = await predictKeys(engine, 'sign', ['one']);
  const counted = { prediction_id: said.prediction_id, outcome: 1 };
  for (const [path, given, status, pointer] of [
    [
      'outcomes',
      { outcomes: [counted, { prediction_id: said.prediction_id, outcome: 1, key: 'one' }] },
      422,
      '/outcomes/1',
    ],
    ['outcomes', { outcomes: [{ ...counted, outcome: 3 }] }, 422, '/outcomes/0/outcome'],
    ['outcomes', { outcomes: [{ ...counted, outcome: [1, 0] }] }, 422, '/outcomes/0/outcome'],
    ['outcomes', { outcomes: [] }, 422, '/outcomes'],
    ['ramp', { weights: { control: 0.5 } }, 422, '/weights'],
    ['ramp', { weights: { control: 0.5, challenger: 0.6 } }, 422, '/weights'],
    ['ramp', { weights: { control: 0.5, other: 0.5 } }, 422, '/weights'],
    ['promote', {}, 422, '/arm'],
    ['promote', { arm: 'other' }, 422, '/arm'],
  ] as const) {
    const reply = await engine.post(`/experiments/${id}/${path}`, given);
    expect([path, pointer, reply.status]).toEqual([path, pointer, status]);
    expect(reply.body.errors.map((field: { pointer: string }) => field.pointer)).toContain(pointer);
  }
  // Refused as a whole: the good one among them was not counted either.
  expect((await page(id)).waiting).toBe(1);
  expect((await page(id)).arms.map(({ observations }: never) => observations)).toEqual([0, 0]);
  const ramped = expectStatus(
    await engine.post(`/experiments/${id}/ramp`, { weights: { control: 0.2, challenger: 0.8 } }),
    200,
  );
  expect([ramped.stage, ramped.arms[1].weight]).toEqual([1, 0.8]);
  expectStatus(await engine.post(`/experiments/${id}/rollback`), 200);
  for (const path of ['stop', 'rollback', 'ramp', 'promote'])
    expect(
      (
        await engine.post(
          `/experiments/${id}/${path}`,
          path === 'ramp' ? { weights: { control: 1, challenger: 0 } } : undefined,
        )
      ).body,
    ).toMatchObject({ status: 409, state: 'rolled_back' });
  for (const path of ['', '/audit', '/assignment?key=a'])
    expect((await engine.get(`/experiments/nobody${path}`)).status).toBe(404);
}, 60_000);
