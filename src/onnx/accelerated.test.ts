import { describe, expect, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { BackendUnavailableError } from '../core/errors.ts';
import { DEFAULT_HARDWARE, type HardwareSettings } from '../core/hardware-settings.ts';
import { Breaker, CORE_ML_BYTES, forEachPart, HardwareRouter, SOUND, UNTOLD } from '../hardware/routing.ts';
import { AcceleratedRunner, type Loaded } from './accelerated.ts';
import { encodeLogistic } from './logistic.ts';
import { chooseProvider, cpu, type ModelRouting, type ProviderChoice } from './provider.ts';
import { loadRuntime, type OrtRuntime } from './runtime.ts';
import { openSession } from './session.ts';
import { logistic, logisticRows } from './test-models.ts';

const fastChoice: ProviderChoice = { provider: 'coreml', coreMlFlags: 1, reason: 'asked for' };

/** Two providers that double their inputs; what fails is set by the test. */
function rig() {
  const time = { ms: 0 };
  const faults = { create: false, run: false, cpu: false, wait: undefined as Promise<void> | undefined };
  const log: string[] = [];
  const breaker = new Breaker({ failures: 2, retryMs: 100, now: () => time.ms });
  const create = async (provider: ProviderChoice): Promise<Loaded> => {
    const name = provider.provider;
    log.push(`create ${name}`);
    if (name !== 'cpu' && faults.create) throw new Error('no such device');
    if (name === 'cpu' && faults.cpu) throw new Error('not a model');
    return {
      provider,
      run: async (inputs) => {
        const broken = name !== 'cpu' && faults.run;
        if (name !== 'cpu') await faults.wait;
        if (broken) throw new Error('device lost');
        if (name === 'cpu' && faults.cpu) throw new Error('bad inputs');
        return inputs.map((value) => value * 2);
      },
      release: async () => void log.push(`release ${name}`),
    };
  };
  const open = () => AcceleratedRunner.open({ create, wanted: fastChoice, breaker, columns: 1 });
  return { time, faults, log, breaker, open };
}

const rows = Float32Array.of(1, 2);
const doubled = Float32Array.of(2, 4);

describe('a model on an accelerator', () => {
  test('completes on the CPU what the accelerator fails in, which is then taken out and tried again later', async () => {
    const { time, faults, breaker, open, log } = rig();
    const runner = await open();
    expect((await runner.run(rows, 2)).provider).toEqual(fastChoice);
    faults.run = true;
    for (const state of ['closed', 'open'] as const) {
      expect(await runner.run(rows, 2)).toEqual({
        output: doubled,
        provider: cpu('coreml failed: device lost'),
      });
      expect(breaker.status.state).toBe(state);
      expect(runner.provider.provider).toBe('cpu');
    }
    expect(log).toContain('release coreml');
    expect(runner.provider.provider).toBe('cpu');
    // Taken out, nothing tries it.
    log.length = 0;
    expect((await runner.run(rows, 2)).provider.provider).toBe('cpu');
    expect(log).toEqual([]);
    // Later another session is opened beside the calls.
    time.ms = 100;
    faults.run = false;
    expect((await runner.run(rows, 2)).output).toEqual(doubled);
    await eventually(() => breaker.closed, 'the accelerator is back');
    expect((await runner.run(rows, 2)).provider).toEqual(fastChoice);
    expect(log).toEqual(['create coreml']);
    await runner.release();
    expect(log.filter((line) => line.startsWith('release')).sort()).toEqual([
      'release coreml',
      'release cpu',
    ]);
  });

  test('frees a session that failed only when nothing runs on it any more', async () => {
    const { faults, open, log } = rig();
    const runner = await open();
    const slow = Promise.withResolvers<void>();
    faults.wait = slow.promise;
    const running = runner.run(rows, 2);
    faults.wait = undefined;
    faults.run = true;
    await runner.run(rows, 2);
    await runner.run(rows, 2);
    expect(runner.provider.provider).toBe('cpu');
    // The model may be closed meanwhile, which waits too.
    const released = runner.release();
    await Bun.sleep(0);
    expect(log).not.toContain('release coreml');
    slow.resolve();
    expect((await running).output).toEqual(doubled);
    await released;
    expect(log.filter((line) => line.startsWith('release')).sort()).toEqual([
      'release coreml',
      'release cpu',
    ]);
  });

  test('runs on the CPU when the accelerator cannot open it, and moves there once it can', async () => {
    const { faults, breaker, open } = rig();
    faults.create = true;
    const runner = await open();
    expect(runner.provider).toEqual(cpu('coreml failed: no such device'));
    expect(breaker.status).toMatchObject({ state: 'closed', failures: 1 });
    faults.create = false;
    expect((await runner.run(rows, 2)).output).toEqual(doubled);
    await eventually(() => runner.provider.provider === 'coreml', 'the model is on the accelerator');
    expect(breaker.status.failures).toBe(0);
    await runner.release();
  });

  test('starts on the CPU while another model has the accelerator taken out', async () => {
    const { breaker, open, log } = rig();
    breaker.failed('a');
    breaker.failed('b');
    const runner = await open();
    expect(runner.provider.provider).toBe('cpu');
    expect(log).toEqual(['create cpu']);
    await runner.release();
  });

  test('does not blame the accelerator for what the CPU fails in too', async () => {
    const { faults, breaker, open } = rig();
    const runner = await open();
    faults.run = true;
    faults.cpu = true;
    for (let call = 0; call < 3; call++) await expect(runner.run(rows, 2)).rejects.toThrow('bad inputs');
    expect(breaker.status).toMatchObject({ state: 'closed', failures: 0 });
    await runner.release();
  });

  test.each([1, 1e-4])(
    'stays on the CPU for good where both disagree on outputs of about %d',
    async (size) => {
      const { breaker } = rig();
      const create = async (provider: ProviderChoice): Promise<Loaded> => ({
        provider,
        run: async (inputs) => inputs.map((value) => value * size * (provider.provider === 'cpu' ? 1 : 1.05)),
        release: async () => {},
      });
      const runner = await AcceleratedRunner.open({ create, wanted: fastChoice, breaker, columns: 1 });
      expect(runner.provider).toEqual(cpu('Core ML disagreed with the CPU on a probe'));
      await runner.release();
    },
  );

  test('refuses a model that no provider opens', async () => {
    const { faults, breaker, open } = rig();
    faults.cpu = true;
    await expect(open()).rejects.toThrow('not a model');
    expect(breaker.status.failures).toBe(0);
  });
});

describe('a session with routing', () => {
  const routing = (settings: Partial<HardwareSettings> = {}): ModelRouting => ({
    router: new HardwareRouter([], {
      settings: { ...DEFAULT_HARDWARE, ...settings },
      presence: forEachPart(() => null),
      health: forEachPart(() => SOUND),
      readings: UNTOLD,
      crossovers: new Map(),
    }),
    breakers: {
      metal_models: new Breaker({ failures: 1 }),
      neural_engine_models: new Breaker({ failures: 1 }),
    },
  });

  test('says which call ran where, and counts failures on what they happened', async () => {
    const real = await loadRuntime();
    let broken = false;
    const runtime: OrtRuntime = {
      Tensor: real.Tensor,
      InferenceSession: {
        async create(bytes, options) {
          const first = options.executionProviders?.[0];
          const session = await real.InferenceSession.create(bytes, { executionProviders: ['cpu'] });
          if (first === 'cpu') return session;
          const run = session.run.bind(session);
          return Object.assign(session, {
            run: (...call: Parameters<typeof run>) => {
              if (broken) throw new Error('Error in building plan');
              return run(...call);
            },
          });
        },
      },
    };
    const its = routing();
    const options = { runtime, platform: 'darwin', provider: 'coreml-gpu', routing: its } as const;
    const session = await openSession(encodeLogistic(logistic), options);
    const before = await session.predict(logisticRows(3), 3);
    expect(session.ranOn(before).provider).toBe('coreml-gpu');
    broken = true;
    const after = await session.predict(logisticRows(3), 3);
    expect(after).toEqual(before);
    expect(session.ranOn(after)).toEqual(cpu('coreml-gpu failed: Error in building plan'));
    expect(session.provider.provider).toBe('cpu');
    expect(its.breakers.metal_models.status.state).toBe('open');
    expect(its.breakers.neural_engine_models.status).toEqual(SOUND);
    await session.close();
  });

  test('follows the switches', () => {
    const big = CORE_ML_BYTES;
    const choose = (settings: Partial<HardwareSettings>, asked: 'auto' | 'coreml' | 'coreml-gpu' = 'auto') =>
      chooseProvider(asked, big, 'darwin', routing(settings).router).provider;
    expect(choose({})).toBe('coreml');
    expect(choose({ neuralEngine: false })).toBe('coreml-gpu');
    expect(choose({ metalPriority: 'HIGH' })).toBe('coreml-gpu');
    expect(choose({ autoRouting: false })).toBe('cpu');
    expect(choose({ autoRouting: false }, 'coreml')).toBe('coreml');
    expect(() => choose({ neuralEngine: false }, 'coreml')).toThrow(BackendUnavailableError);
    expect(() => choose({ metal: false }, 'coreml-gpu')).toThrow('METAL_ACCELERATION is 0');
  });
});
