// Experiments over REST, on every database: assigned, counted once, decided, promoted and taken back.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { topics } from '../../../src/bus/topics.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type EngineStore, logged, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';
import { begun, expectStatus, keysByArm, keysOf, predictKeys, rowAt, withVersions } from './test-kit.ts';

/** Of a batch. */
const ROWS = [[0.5], [-0.25], [1]];

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`experiments on ${name}`, () => {
    let store: EngineStore;
    let engine: TestEngine;
    let env: Record<string, string>;
    beforeAll(async () => {
      store = await start();
      env = store.env();
      engine = await TestEngine.start(definition, env);
      // Each version is tried in a process of its own: all tests share them. The first is always wrong, the second right.
      await withVersions(engine, 'sign', [-1, 1]);
    }, 60_000);
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const page = async (id: string) => expectStatus(await engine.get(`/experiments/${id}`), 200);
    const actions = async (id: string) =>
      expectStatus(await engine.get(`/experiments/${id}/audit`), 200)
        .entries.map(({ action, actor }: { action: string; actor: string }) => `${actor} ${action}`)
        .reverse();
    const outcomesOf = (id: string, outcomes: object[]) =>
      engine.post(`/experiments/${id}/outcomes`, { outcomes });
    const production = async (model: string) =>
      (await engine.get(`/models/${model}`)).body.production_version;

    test('divides requests by key, counts each outcome once, and promotes the better version', async () => {
      const made = await begun(engine, {
        model_id: 'sign',
        metric: 'accuracy',
        auto_promote: true,
        watch_requests: 60,
        min_samples: 40,
        guardrails: { latency_ms: null },
      });
      const id = made.experiment_id;
      expect(made).toMatchObject({ state: 'running', mode: 'ab', winner: null, stage: 0 });
      expect(made.arms.map(({ name, version, weight }: never) => [name, version, weight])).toEqual([
        ['control', '1', 0.5],
        ['challenger', '2', 0.5],
      ]);
      expect(
        (await engine.post('/experiments', { model_id: 'sign', metric: 'accuracy' })).body,
      ).toMatchObject({
        status: 409,
        experiment_id: id,
      });
      const keys = keysByArm(id, [[0.5, 0.5]], [80, 80], 'order');
      const said = await predictKeys(engine, 'sign', keys);
      for (const [i, reply] of said.entries()) {
        const { arm } = reply.experiment;
        expect(reply.experiment).toEqual({ id, arm, key: keys[i] });
        expect(reply.model_version).toBe(arm === 'control' ? '1' : '2');
      }
      // Sticky, and as the route of assignments says.
      const [again] = await predictKeys(engine, 'sign', [keys[7]!], () => 0.5);
      expect(again.experiment.arm).toBe(said[7].experiment.arm);
      const assigned = await engine.get(`/experiments/${id}/assignment?key=${keys[7]}`);
      expect(assigned.body).toMatchObject({ arm: said[7].experiment.arm, stage: 0 });
      // Without a key the request id is one; who names a version gets it.
      const { body: plain } = await engine.post('/predict', { model_id: 'sign', inputs: [[1]] });
      expect(plain.experiment.key).toBeString();
      const { body: named } = await engine.post('/predict', { model_id: 'sign@1', inputs: [[1]] });
      expect([named.experiment, named.prediction_id]).toEqual([undefined, undefined]);

      const counted = said.map(({ prediction_id }, i) => ({ prediction_id, outcome: rowAt(i).rises }));
      // The first ones: too few to decide by. The same again, and one that nobody made, change nothing.
      const first = counted.slice(0, 30);
      const extra = { prediction_id: 'nobody-made-it', outcome: 1 };
      expect((await outcomesOf(id, [...first, extra])).body).toEqual({
        counted: 30,
        repeated: 0,
        unknown: 1,
        ambiguous: 0,
        state: 'running',
      });
      const after = await page(id);
      expect((await outcomesOf(id, [...first, ...first.slice(0, 3)])).body).toMatchObject({
        counted: 0,
        repeated: 33,
      });
      expect({ ...(await page(id)), updated_us: 0 }).toEqual({ ...after, updated_us: 0 });
      const observed = (arms: { observations: number }[]) => arms.map(({ observations }) => observations);
      expect(observed(after.arms)).toEqual([15, 15]);
      // The wrong one is always wrong and the right one always right.
      expect(after.arms.map(({ value }: { value: number }) => value)).toEqual([0, 1]);
      expect(after.mismatch.keys).toBe(30);
      expect(after.waiting).toBe(162 - 30);
      expect(after.comparisons[0]).toMatchObject({ arm: 'challenger', p_value: 1, verdict: 'open' });

      const reply = expectStatus(await outcomesOf(id, counted.slice(30)), 200);
      expect(reply).toMatchObject({ counted: 130, state: 'decided' });
      await eventually(async () => (await page(id)).state === 'watching', 'the promotion');
      expect(await production('sign')).toBe('2');
      const won = await page(id);
      expect(won).toMatchObject({
        winner: 'challenger',
        promoted_seq: 2,
        reason: 'challenger is better by accuracy',
      });
      expect(won.comparisons[0].p_value).toBeLessThan(0.001);
      expect(won.comparisons[0].metric.low).toBeGreaterThan(0);
      // The watch ends by itself.
      const watched = await predictKeys(engine, 'sign', keysOf('later', 60));
      expect(watched.map(({ model_version, experiment }) => [model_version, experiment])).toContainEqual([
        '2',
        undefined,
      ]);
      await eventually(async () => (await page(id)).state === 'promoted', 'the end of the watch');
      expect((await page(id)).watch.requests).toBe(60);
      expect(await actions(id)).toEqual([
        'person created',
        'engine decided',
        'engine promoted',
        'engine watched',
      ]);
      expect((await logged(engine, topics.modelDeployments)).map(({ body }) => body)).toContainEqual(
        expect.objectContaining({ model_id: 'sign', model_version: '2', previous_version: '1' }),
      );
      const told = engine.messages(topics.experimentUpdates).map(({ body }) => body);
      expect(told.filter((one) => one.experiment_id === id).map(({ state }) => state)).toContain('decided');
      // What was promoted can be taken back, once.
      expectStatus(await engine.post(`/experiments/${id}/rollback`), 200);
      expect(await production('sign')).toBe('1');
      expect((await engine.post(`/experiments/${id}/rollback`)).body).toMatchObject({
        status: 409,
        state: 'rolled_back',
      });
    }, 60_000);

    test('in the shadow pairs both answers, and what the challenger does never shows in the reply', async () => {
      const { experiment_id: id } = await begun(engine, {
        model_id: 'sign',
        mode: 'shadow',
        metric: 'log_loss',
        guardrails: { latency_ms: null },
        min_samples: 30,
        arms: [{ model: '2' }, { model: '1' }],
      });
      const keys = keysOf('s', 60);
      const said = await predictKeys(engine, 'sign', keys);
      for (const { model_version, experiment } of said)
        expect([model_version, experiment.arm]).toEqual(['2', 'control']);
      const open = await page(id);
      expect(open.arms.map(({ requests, errors }: never) => [requests, errors])).toEqual([
        [60, 0],
        [60, 0],
      ]);
      expect(open.comparisons[0].agreement).toBe(0);
      expect(open.mismatch).toBeNull();
      // By key: one prediction of each waits.
      const outcomes = keys.map((key, i) => ({ key, outcome: rowAt(i).rises }));
      expect((await outcomesOf(id, outcomes)).body).toMatchObject({ counted: 60, state: 'rolled_back' });
      const closed = await page(id);
      expect(closed).toMatchObject({ winner: 'control', reason: 'challenger is worse by log_loss' });
      const [good, bad] = closed.arms.map(({ value }: { value: number }) => value);
      const loss = (x: number, slope: number) => Math.log1p(Math.exp(-4 * slope * Math.abs(x)));
      const mean = (slope: number) =>
        keys.reduce((sum, _, i) => sum + loss(rowAt(i).x, slope), 0) / keys.length;
      // The models answer in float32.
      expect(good).toBeCloseTo(mean(1), 5);
      expect(bad).toBeCloseTo(mean(-1), 5);
    }, 60_000);

    test('goes on after a restart, with what was counted', async () => {
      const { experiment_id: id } = await begun(engine, {
        model_id: 'sign',
        metric: 'accuracy',
        min_samples: 500,
      });
      const keys = keysOf('k', 40);
      const said = await predictKeys(engine, 'sign', keys);
      await outcomesOf(
        id,
        said.slice(0, 10).map(({ prediction_id }, i) => ({ prediction_id, outcome: rowAt(i).rises })),
      );
      const before = await page(id);
      await engine.restart(definition, env);
      expect(await page(id)).toEqual(before);
      const later = await predictKeys(engine, 'sign', keys);
      expect(later.map(({ experiment }) => experiment)).toEqual(said.map(({ experiment }) => experiment));
      // Made before, come true after; the key of it has two predictions that wait by now.
      const { prediction_id } = said[20];
      expect((await outcomesOf(id, [{ prediction_id, outcome: 1 }])).body).toMatchObject({ counted: 1 });
      expect((await outcomesOf(id, [{ key: keys[30], outcome: 1 }])).body).toMatchObject({
        counted: 0,
        ambiguous: 1,
      });
      const ended = expectStatus(await engine.post(`/experiments/${id}/stop`), 200);
      expect(ended).toMatchObject({ state: 'stopped', winner: null });
      expect((await predictKeys(engine, 'sign', ['x']))[0].experiment).toBeUndefined();
    }, 60_000);

    test('has a batch with a key answered by one arm, as one request', async () => {
      const arms = [{ model: '1' }, { model: '2' }];
      const asked = { model_id: 'sign', metric: 'latency_ms', arms, guardrails: { latency_ms: null } };
      const { experiment_id: id } = await begun(engine, asked);
      const served = await production('sign');
      const batch = (more: object) =>
        engine.post('/predict/batch', { model_id: 'sign', inputs: ROWS, ...more });
      for (const [i, key] of keysByArm(id, [[0.5, 0.5]], [2, 2], 'batch').entries()) {
        const body = expectStatus(await batch({ key }), 200);
        const arm = ['control', 'challenger'][i % 2]!;
        expect(body.experiment).toEqual({ id, arm, key });
        expect(body.model_version).toBe(`${1 + (i % 2)}`);
        // The first version is wrong about every row, the second about none.
        const rises = body.predictions.map((p: number) => p > 0.5);
        expect(rises).toEqual(ROWS.map(([x]) => x! > 0 === (arm === 'challenger')));
        // The same key on the other route has the same arm.
        expect((await predictKeys(engine, 'sign', [key]))[0].experiment.arm).toBe(arm);
      }
      const plain = expectStatus(await batch({}), 200);
      expect([plain.experiment, plain.model_version]).toEqual([undefined, served]);
      const many = await batch({ key: 'many', inputs: Array(1001).fill([1]) });
      expect([many.status, many.body.limit_rows]).toEqual([413, 1000]);
      expect((await page(id)).arms.map(({ requests }: { requests: number }) => requests)).toEqual([4, 4]);
      expectStatus(await engine.post(`/experiments/${id}/stop`), 200);
    }, 60_000);

    test('ends when another version is deployed, or the model is deleted', async () => {
      const arms = [{ model: '1' }, { model: '2' }];
      const one = await begun(engine, { model_id: 'sign', metric: 'latency_ms', arms });
      expectStatus(await engine.post('/models/sign/deploy', { version: '2' }), 200);
      await eventually(async () => (await page(one.experiment_id)).state === 'ended', 'the end');
      expect((await page(one.experiment_id)).reason).toBe('another version was deployed');
      expect(
        (await engine.post(`/experiments/${one.experiment_id}/promote`, { arm: 'challenger' })).body,
      ).toMatchObject({
        status: 409,
        state: 'ended',
      });
      const two = await begun(engine, { model_id: 'sign', metric: 'error_rate', arms });
      expectStatus(await engine.send('DELETE', '/models/sign?force=true'), 200);
      await eventually(async () => (await page(two.experiment_id)).state === 'ended', 'the end');
      expect((await page(two.experiment_id)).reason).toBe('the model sign was deleted');
      const { body } = await engine.get('/experiments?model_id=sign&limit=1');
      expect(body.experiments.map((line: { experiment_id: string }) => line.experiment_id)).toEqual([
        two.experiment_id,
      ]);
      const next = await engine.get(`/experiments?model_id=sign&limit=1&cursor=${body.next_cursor}`);
      expect(next.body.experiments.map((line: { experiment_id: string }) => line.experiment_id)).toEqual([
        one.experiment_id,
      ]);
    }, 60_000);
  });
}
