// Promotions that race deployments, rollbacks and decisions: whoever stores first wins, and the others change nothing.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConflictError } from '../../../src/core/errors.ts';
import { encodeLogistic } from '../../../src/onnx/logistic.ts';
import { Artefacts } from '../registry/artefacts.ts';
import { Deployer } from '../registry/deployer.ts';
import { accept } from '../registry/intake.ts';
import { fromText } from '../registry/probe.ts';
import type { NewVersion } from '../registry/records.ts';
import { aModel, openStore, type TestStore } from '../registry/test-store.ts';
import { promoteArm, takeBack } from './promotion.ts';
import { type Definition, type Experiment, type ExperimentRow, NO_RESULT } from './records.ts';
import { auditRows, experimentOf, insertExperiment, rowOf, updateExperiment, writeRamp } from './store.ts';

const LONG_MS = 60_000;
const ID = 'experiment';
const MODEL = 'rise';

let dataDir: string;
let opened: TestStore;
let version: NewVersion;
let artefacts: Artefacts;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'races-'));
  artefacts = new Artefacts(join(dataDir, 'models'));
  const bytes = encodeLogistic({ inputNames: ['x'], mean: [0], std: [1], coefficients: [1], intercept: 0 });
  const accepted = await accept(bytes, {}, LONG_MS);
  await artefacts.keep(bytes, async (artefact) => {
    version = { ...accepted, artefact, lineage: {}, metrics: {} };
  });
}, 60_000);
afterAll(() => rmSync(dataDir, { recursive: true }));

/** A deployer whose trial of the version waits until it is let go: each is a process of its own. */
function deployerThat(during: () => Promise<unknown>): Deployer {
  return new Deployer({
    store: opened.store,
    artefacts,
    conversions: { ensure: () => Promise.reject(new Error('none')), files: async () => [] },
    trialMs: LONG_MS,
    warm: async () => undefined,
    onChange() {},
    onDeploy() {},
    tryModel: async ({ provider }) => {
      await during();
      return { outputs: fromText(version.probe.outputs), provider };
    },
  });
}
const plain = () => deployerThat(async () => undefined);

const definition = {
  mode: 'ab',
  metric: 'accuracy',
  watch_requests: 10,
  arms: [1, 2].map((number) => ({
    name: number === 1 ? 'control' : 'challenger',
    model_id: MODEL,
    version: number,
    precision: 'float32',
    reference: `${MODEL}@${number}`,
  })),
} as unknown as Definition;
const [, challenger] = definition.arms;

beforeEach(async () => {
  opened = await openStore({});
  const { store, database } = opened;
  await store.createModel(aModel(MODEL), version);
  for (let i = 0; i < 2; i++) await store.createVersion(MODEL, version);
  await plain().deploy(MODEL, { version: '1' });
  const row: ExperimentRow = {
    experiment_id: ID,
    model_id: MODEL,
    mode: 'ab',
    state: 'decided',
    reason: null,
    definition: JSON.stringify(definition),
    result: JSON.stringify(NO_RESULT),
    stage: 0,
    winner: 'challenger',
    deployment_seq: 1,
    promoted_seq: null,
    created_us: 1,
    updated_us: 1,
    ended_us: null,
  };
  await database.transaction((tx) => {
    insertExperiment(tx, row);
    writeRamp(tx, ID, 0, [0.5, 0.5], 1);
  });
});
afterEach(() => opened.close());

const parts = (deployer: Deployer) => ({ deployer, store: opened.store });
const experiment = async (): Promise<Experiment> =>
  experimentOf(opened.database, (await rowOf(opened.database, ID))!);
/** What serves, how the experiment stands, and what happened to it. */
async function outcome() {
  const { production_version, deployment_seq } = await opened.store.queries.model(MODEL);
  const { state } = (await experiment()).row;
  const audit = await auditRows(opened.database, ID, { limit: 10 });
  return [production_version, deployment_seq, state, audit.map(({ action }) => action)] as const;
}
const setState = (state: ExperimentRow['state']) => async () => {
  const { row } = await experiment();
  await opened.database.transaction((tx) => updateExperiment(tx, { ...row, state }));
};

test('a promotion is one transaction with the state of its experiment', async () => {
  await promoteArm(parts(plain()), await experiment(), challenger!, 'engine');
  expect(await outcome()).toEqual([2, 2, 'watching', ['promoted']]);
  expect((await experiment()).row).toMatchObject({ promoted_seq: 2, ended_us: null });
  // Told together: which version serves, and how the experiment stands.
  expect(opened.said.slice(-2)).toMatchObject([
    { model_id: MODEL, model_version: '2', previous_version: '1' },
    { experiment_id: ID, state: 'watching' },
  ]);
});

test('a promotion that a deployment overtakes during its trial changes nothing', async () => {
  const overtaken = deployerThat(() => plain().deploy(MODEL, { version: '3' }));
  await expect(promoteArm(parts(overtaken), await experiment(), challenger!, 'engine')).rejects.toThrow(
    ConflictError,
  );
  expect(await outcome()).toEqual([3, 2, 'decided', []]);
});

test('a promotion of what another deployment has replaced is not even tried', async () => {
  const before = await experiment();
  await plain().deploy(MODEL, { version: '3' });
  const tried: string[] = [];
  const watched = deployerThat(async () => tried.push('trial'));
  await expect(promoteArm(parts(watched), before, challenger!, 'person')).rejects.toThrow(ConflictError);
  expect([tried, await outcome()]).toEqual([[], [3, 2, 'decided', []]]);
});

test('a promotion that a rollback of its experiment overtakes deploys nothing', async () => {
  const overtaken = deployerThat(setState('rolled_back'));
  const late = promoteArm(parts(overtaken), await experiment(), challenger!, 'engine');
  await expect(late).rejects.toMatchObject({ slug: 'conflict', extras: { state: 'rolled_back' } });
  expect(await outcome()).toEqual([1, 1, 'rolled_back', []]);
  expect(opened.said.filter((body) => (body as { model_version?: string }).model_version === '2')).toEqual(
    [],
  );
});

test('of two promotions of one experiment one wins', async () => {
  const before = await experiment();
  const second = () => promoteArm(parts(plain()), before, challenger!, 'person');
  const first = promoteArm(parts(deployerThat(second)), before, challenger!, 'engine');
  await expect(first).rejects.toThrow(ConflictError);
  expect(await outcome()).toEqual([2, 2, 'promoted', ['promoted']]);
});

test('a promotion is taken back once, and not when something else serves by then', async () => {
  await promoteArm(parts(plain()), await experiment(), challenger!, 'engine');
  const promoted = await experiment();
  const overtaken = deployerThat(() => plain().deploy(MODEL, { version: '3' }));
  await expect(takeBack(parts(overtaken), promoted, 'engine', null)).rejects.toThrow(ConflictError);
  expect(await outcome()).toEqual([3, 3, 'watching', ['promoted']]);
  await plain().rollback(MODEL);
  // The same version serves again, by another deployment than the one of the promotion.
  await expect(takeBack(parts(plain()), promoted, 'engine', null)).rejects.toThrow(ConflictError);
  expect((await outcome())[0]).toBe(2);
});

test('a rollback of a promotion lets serve what served before, and its twin finds it done', async () => {
  await promoteArm(parts(plain()), await experiment(), challenger!, 'engine');
  const promoted = await experiment();
  const twin = () => takeBack(parts(plain()), promoted, 'person', 'by a person');
  await expect(takeBack(parts(deployerThat(twin)), promoted, 'engine', 'guardrail')).rejects.toThrow(
    ConflictError,
  );
  expect(await outcome()).toEqual([1, 3, 'rolled_back', ['rolled_back', 'promoted']]);
  expect((await experiment()).row.reason).toBe('by a person');
});

test('an arm that served before is promoted without a deployment, and no deployment of others is taken back for it', async () => {
  await plain().deploy(MODEL, { version: '2' });
  const { row } = await experiment();
  await opened.database.transaction((tx) =>
    tx.write('UPDATE experiments SET deployment_seq = 2 WHERE experiment_id = ?', row.experiment_id),
  );
  await promoteArm(parts(plain()), await experiment(), challenger!, 'engine');
  expect(await outcome()).toEqual([2, 2, 'watching', ['promoted']]);
  await expect(takeBack(parts(plain()), await experiment(), 'engine', null)).rejects.toThrow(ConflictError);
  expect(await outcome()).toEqual([2, 2, 'watching', ['promoted']]);
});

test('an arm of another model is not deployed in its place', async () => {
  const foreign = { ...challenger!, model_id: 'other' };
  await expect(promoteArm(parts(plain()), await experiment(), foreign, 'person')).rejects.toThrow(
    ConflictError,
  );
});
