// Deployments on a machine that has Core ML, which a stand-in for the trial plays: what runs where, and why not.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/core/config.ts';
import { DEFAULT_HARDWARE } from '../../../src/core/hardware-settings.ts';
import { Breaker, forEachPart, HardwareRouter, SOUND, UNTOLD } from '../../../src/hardware/routing.ts';
import { servedNetwork } from '../../../src/learning/deep/test-networks.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { TreeEnsemble } from '../../../src/onnx/tree-ensemble.ts';
import { Artefacts } from '../registry/artefacts.ts';
import { Deployer } from '../registry/deployer.ts';
import { accept } from '../registry/intake.ts';
import { ModelRegistry } from '../registry/registry.ts';
import { aModel, openStore, type TestStore } from '../registry/test-store.ts';
import type { Trial } from '../registry/trial.ts';
import { Conversions } from './conversions.ts';

const LONG_MS = 60_000;

/** One tree of two leaves. */
function trees(): Uint8Array {
  const lists = new TreeEnsemble();
  lists.branch(0, 0, { mode: 'BRANCH_LEQ', feature: 0, value: 0.5, yes: 1, no: 2, missing: 0 });
  lists.leaf(0, 1, [{ target: 0, value: 1 }]);
  lists.leaf(0, 2, [{ target: 0, value: 2 }]);
  const [nodes, constants] = [[lists.node('input', 'output', 1)], []];
  const inputs = [{ name: 'input', type: 'float32', dims: ['N', 2] }] as const;
  const outputs = [{ name: 'output', type: 'float32', dims: ['N', 1] }] as const;
  return encodeModel({ mlOpset: 3, graph: { name: 'trees', nodes, constants, inputs, outputs } });
}

describe('a deployment on a machine with Core ML', () => {
  let dataDir: string;
  let opened: TestStore;
  let deployer: Deployer;
  let registry: ModelRegistry;
  let artefacts: Artefacts;
  const router = new HardwareRouter([], {
    settings: DEFAULT_HARDWARE,
    presence: forEachPart(() => null),
    health: forEachPart(() => SOUND),
    readings: UNTOLD,
    crossovers: new Map(),
  });
  const trials: Trial[] = [];
  const warmed: [string, string][] = [];
  /** What a number of the trial is multiplied by: 1 is sound hardware. */
  let skew = 1;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'variants-'));
    opened = await openStore({});
    const { store } = opened;
    artefacts = new Artefacts(join(dataDir, 'models'));
    const config = loadConfig({ NAUTILUS_DATA_DIR: dataDir });
    const conversions = new Conversions({ store, artefacts, config });
    const routing = {
      router,
      breakers: { metal_models: new Breaker(), neural_engine_models: new Breaker() },
    };
    deployer = new Deployer({
      ...{ store, artefacts, conversions, routing, trialMs: LONG_MS, platform: 'darwin' },
      warm: async (reference, provider) => void warmed.push([reference, provider]),
      onChange() {},
      onDeploy() {},
      tryModel: async (trial) => {
        trials.push(trial);
        const { model, inputs, rows, input, output, provider, variant = [] } = trial;
        const files = variant.length > 0 ? { variant, variantOnCpu: true } : {};
        const session = await openSession(model, { input, output, provider: 'cpu', ...files });
        const outputs = (await session.predict(inputs, rows)).map((value) => value * skew);
        await session.close();
        return { outputs, provider };
      },
    });
    const parts = { store, artefacts, conversions, trialMs: LONG_MS, isDeploying: () => false };
    registry = new ModelRegistry({ ...parts, onChange() {} });
    const network = (name: string) => encodeModel(servedNetwork(name, 4));
    for (const [name, bytes] of Object.entries({
      mlp: network('mlp'),
      lstm: network('lstm'),
      trees: trees(),
    })) {
      const accepted = await accept(bytes, {}, LONG_MS);
      await artefacts.keep(bytes, (artefact) =>
        store.createModel(aModel(name), { ...accepted, artefact, lineage: {}, metrics: {} }),
      );
    }
  }, 60_000);
  afterAll(async () => {
    await opened.close();
    rmSync(dataDir, { recursive: true });
  });

  test('takes the float16 files to the trial and into serving', async () => {
    const deployed = await deployer.deploy('mlp', { target: 'neural_engine' });
    expect(deployed).toMatchObject({ precision: 'float16', fallback: null, hardware_used: 'coreml' });
    expect(deployed.conversion?.files.map(({ rows }) => rows)).toEqual([1, 64]);
    expect(trials.at(-1)!.variant?.map(({ rows }) => rows)).toEqual([1, 64]);
    expect(warmed.at(-1)).toEqual(['mlp@1+float16', 'coreml']);
    const found = await registry.find('mlp');
    expect([found.key, found.provider]).toEqual(['mlp@1', 'coreml']);
    expect(await found.variant?.files()).toEqual([...trials.at(-1)!.variant!]);
    // The files of variants are needed as long as their version is.
    const { queries } = opened.store;
    const hashes = deployed.conversion!.files.map(({ sha256 }) => sha256);
    expect([...(await queries.withVersions(hashes))]).toEqual(hashes);
    // As it is, where that is asked for: then nothing is rounded.
    const plain = await deployer.deploy('mlp', { target: 'neural_engine', precision: 'float32' });
    expect(plain).toMatchObject({ seq: 2, precision: 'float32', conversion: null });
    expect([(await registry.find('mlp')).variant, trials.at(-1)!.variant]).toEqual([undefined, []]);
    expect(await deployer.rollback('mlp')).toMatchObject({ seq: 3, precision: 'float16' });
    expect((await registry.find('mlp')).variant).toBeDefined();
    // By its number it is what serves, while that is this version.
    expect((await registry.find('mlp@1')).variant?.key).toBe((await registry.find('mlp')).variant!.key);
  });

  test('is opened for serving in the form that it was tried in', async () => {
    for (const precision of ['float32', 'float16'] as const) {
      await deployer.deploy('mlp', { target: 'neural_engine', precision });
      // Also when the other form serves while it is tried.
      const [reference, provider] = warmed.at(-1)!;
      expect([reference, provider]).toEqual([`mlp@1+${precision}`, 'coreml']);
      for (const found of [await registry.find(reference), await registry.find('mlp')])
        expect([precision, found.variant !== undefined]).toEqual([precision, precision === 'float16']);
    }
    await expect(registry.find('lstm@1+float16')).rejects.toThrow('a variant of float16');
  });

  test('is refused when the hardware answers otherwise than rounding explains', async () => {
    skew = 1.1;
    const wrong = deployer.deploy('mlp', { target: 'metal_gpu' });
    await expect(wrong).rejects.toThrow('by the rounding of float16 only');
    skew = 1.001;
    expect(await deployer.deploy('mlp', { target: 'metal_gpu' })).toMatchObject({ precision: 'float16' });
    skew = 1;
  });

  test('of a recurrent network is refused with the reason, and falls back where that is allowed', async () => {
    const refused = deployer.deploy('lstm', { target: 'neural_engine' });
    await expect(refused).rejects.toMatchObject({
      slug: 'conversion-refused',
      message: expect.stringMatching(/half of the work or more, was 1% \(LSTM stay on the CPU\)/),
    });
    expect(opened.store.queries.deployments('lstm', 10)).resolves.toEqual([]);
    const fallen = await deployer.deploy('lstm', { target: 'neural_engine', allow_fallback: true });
    expect(fallen).toMatchObject({ target: 'neural_engine', precision: 'float32', hardware_used: 'cpu' });
    expect(fallen.fallback).toContain('LSTM');
    // It stays there, whatever the router would say.
    const found = await registry.find('lstm');
    expect([found.provider, warmed.at(-1)]).toEqual(['cpu', ['lstm@1+float32', 'cpu']]);
    await deployer.deploy('lstm', { target: 'cpu' });
    expect(await deployer.rollback('lstm')).toMatchObject({
      fallback: fallen.fallback,
      hardware_used: 'cpu',
    });
    // Asked for as it is, it runs where it was asked to.
    const plain = { target: 'neural_engine', precision: 'float32' } as const;
    expect(await deployer.deploy('lstm', plain)).toMatchObject({ fallback: null, hardware_used: 'coreml' });
    expect((await registry.find('lstm')).provider).toBe('coreml');
    const again = await deployer.deploy('lstm', { target: 'neural_engine', allow_fallback: true });
    expect(again).toMatchObject({ fallback: fallen.fallback, hardware_used: 'cpu' });
    expect((await registry.find('lstm')).provider).toBe('cpu');
  });

  test('that cost too much is not what a rollback brings', async () => {
    const dear = { target: 'neural_engine', allow_fallback: true, max_cost: 0 } as const;
    const fallen = await deployer.deploy('mlp', dear);
    expect(fallen).toMatchObject({ precision: 'float32', fallback: expect.stringContaining('cost') });
    await deployer.deploy('mlp', { target: 'cpu' });
    const { precision, fallback, hardware_used } = await deployer.rollback('mlp');
    expect({ precision, fallback, hardware_used }).toEqual({
      precision: 'float32',
      fallback: fallen.fallback,
      hardware_used: 'cpu',
    });
  });

  test('follows the router when nothing is asked for', async () => {
    // Small models are quicker on the CPU.
    expect(await deployer.deploy('mlp', {})).toMatchObject({ precision: 'float32', hardware_used: 'cpu' });
    router.update({ settings: { ...DEFAULT_HARDWARE, forceNeuralEngine: true } });
    for (const [name, wanted] of [
      ['mlp', { precision: 'float16', fallback: null, hardware_used: 'coreml' }],
      ['lstm', { precision: 'float32', hardware_used: 'cpu', fallback: expect.stringContaining('LSTM') }],
      [
        'trees',
        { precision: 'float32', hardware_used: 'cpu', fallback: expect.stringContaining('change nothing') },
      ],
    ] as const) {
      expect(await deployer.deploy(name, {})).toMatchObject({ version: '1', target: 'auto', ...wanted });
    }
    // Taken back after the router has changed its mind, it is on the CPU.
    await deployer.deploy('mlp', { target: 'cpu' });
    router.update({ settings: DEFAULT_HARDWARE });
    expect(await deployer.rollback('mlp')).toMatchObject({
      target: 'auto',
      precision: 'float32',
      hardware_used: 'cpu',
    });
  });

  test('a variant that there is does not wait for the conversion of another model', async () => {
    const reading = Promise.withResolvers<Uint8Array>();
    const slow = { read: () => reading.promise } as unknown as Artefacts;
    const conversions = new Conversions({ store: opened.store, artefacts: slow, config: loadConfig({}) });
    const [mlp, lstm] = await Promise.all(['mlp', 'lstm'].map((id) => opened.store.queries.version(id, 1)));
    const other = conversions.ensure(lstm!, 'int8', 1);
    expect(await conversions.ensure(mlp!, 'float16', 1)).toMatchObject({ reused: true });
    reading.reject(new Error('stopped'));
    await expect(other).rejects.toThrow('stopped');
  });

  test('two conversions at once are one', async () => {
    const asked = { precision: 'int8', max_cost: 0.5 } as const;
    const [one, other] = await Promise.all([
      registry.convert('mlp', '1', asked),
      registry.convert('mlp', '1', asked),
    ]);
    expect([one.reused, other.reused]).toEqual([false, true]);
    expect({ ...one, reused: true }).toEqual(other);
    expect(await opened.store.queries.variants('mlp', 1, 2)).toHaveLength(2);
    const hashes = one.files.map(({ sha256 }) => sha256);
    await opened.store.delete('mlp', { force: true, revision: null });
    expect(await opened.store.queries.withVersions(hashes)).toEqual(new Set());
    expect(await opened.store.queries.variants('mlp', 1, 2)).toEqual([]);
  });
});
