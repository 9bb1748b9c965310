import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../core/errors.ts';
import { DEFAULT_HARDWARE, type HardwareSettings } from '../core/hardware-settings.ts';
import { type Part, SOUND } from './accelerator.ts';
import type { WorkloadProfile } from './profile.ts';
import { type Readings, UNTOLD } from './readings.ts';
import { CORE_ML_BYTES, forEachPart, HardwareRouter, type RouterState } from './router.ts';

const ROWS = [
  { id: 'gemm', metal: true },
  { id: 'rsi', metal: true },
  { id: 'svd', metal: false },
];

interface Change {
  readonly settings?: Partial<HardwareSettings>;
  readonly readings?: Partial<Readings>;
  readonly absent?: Part;
  readonly open?: Part;
}

function router({ settings, readings, absent, open }: Change = {}): HardwareRouter {
  const taken = { ...SOUND, state: 'open', failures: 3, opened: 1, lastError: 'device lost' } as const;
  const state: RouterState = {
    settings: { ...DEFAULT_HARDWARE, ...settings },
    readings: { ...UNTOLD, ...readings },
    presence: forEachPart((part) => (part === absent ? 'not on this machine' : null)),
    health: forEachPart((part) => (part === open ? taken : SOUND)),
    crossovers: new Map([['gemm', 1000]]),
  };
  return new HardwareRouter(ROWS, state);
}

const gemm = (elements: number): WorkloadProfile => ({ kind: 'kernel', id: 'gemm', elements, dtype: 'f32' });
const model = (share: number, latency?: 'realtime' | 'batch'): WorkloadProfile => ({
  kind: 'inference',
  modelBytes: CORE_ML_BYTES * share,
  ...(latency && { latency }),
});
const where = (change: Change, profile: WorkloadProfile) => router(change).route(profile).primary;

describe('a kernel', () => {
  test('goes to Metal from the measured size on, and the answer says why', () => {
    const it = router();
    expect(it.route(gemm(999))).toEqual({
      primary: 'cpu',
      fallback: [],
      reason: 'smaller than 1,000, from which Metal is taken',
    });
    expect(it.route(gemm(1000))).toEqual({
      primary: 'metal_gpu',
      fallback: ['cpu'],
      reason: '1,000 or more: Metal wins',
    });
    expect(it.metalFrom('gemm')).toBe(1000);
  });

  test('stays on the CPU in f64, without a measured size and without a Metal kernel', () => {
    const it = router();
    expect(it.route({ ...gemm(1e9), dtype: 'f64' } as WorkloadProfile).reason).toContain('double');
    expect(it.route({ kind: 'indicator', id: 'rsi', elements: 1e9, dtype: 'f32' }).reason).toContain(
      'no size is known',
    );
    expect(it.route({ kind: 'kernel', id: 'svd', elements: 1e9, dtype: 'f32' }).reason).toContain(
      'no Metal kernel',
    );
    expect(['rsi', 'svd'].map((id) => it.metalFrom(id))).toEqual([0, 0]);
  });

  test('of no row is refused', () => {
    expect(() => router().route({ ...gemm(1), id: 'nothing' } as WorkloadProfile)).toThrow(
      InvalidOptionError,
    );
  });

  test('answers are frozen, and the same object for the same answer', () => {
    const it = router();
    expect(it.route(gemm(5000))).toBe(it.route(gemm(9000)));
    expect(Object.isFrozen(it.route(gemm(5000)))).toBe(true);
    expect(Object.isFrozen(it.route(gemm(5000)).fallback)).toBe(true);
  });

  test('follows each change of the state', () => {
    const it = router();
    it.update({ crossovers: new Map([['rsi', 10]]) });
    expect([it.metalFrom('gemm'), it.metalFrom('rsi')]).toEqual([0, 10]);
    it.update({ settings: { ...DEFAULT_HARDWARE, metalPriority: 'LOW' } });
    expect(it.metalFrom('rsi')).toBe(20);
  });

  test('stays on the CPU while the device is taken out or absent, and says since when', () => {
    const open = router({ open: 'metal_kernels' });
    expect(open.route(gemm(5000))).toMatchObject({
      primary: 'cpu',
      reason: 'taken out after 3 failures in a row: device lost',
    });
    // The addon counts failures itself and has to know the size for when the device is back.
    expect(open.metalFrom('gemm')).toBe(1000);
    const absent = router({ absent: 'metal_kernels' });
    expect(absent.route(gemm(5000)).reason).toBe('not on this machine');
    expect(absent.metalFrom('gemm')).toBe(0);
  });

  test.each([
    [{ metal: false }, {}, 0, 'METAL_ACCELERATION is 0'],
    [{ autoRouting: false }, {}, 0, 'AUTO_HARDWARE_ROUTING is 0'],
    [{ metalPriority: 'HIGH' }, {}, 500, 'METAL_GPU_PRIORITY is HIGH'],
    [{ metalPriority: 'LOW' }, {}, 2000, 'METAL_GPU_PRIORITY is LOW'],
    [{}, { thermal: 'nominal' }, 1000, ''],
    [{}, { thermal: 'fair' }, 2000, 'the system is warm'],
    [{}, { thermal: 'serious' }, 0, 'serious thermal pressure'],
    [{}, { thermal: 'critical' }, 0, 'critical thermal pressure'],
    [{ thermal: false }, { thermal: 'critical' }, 1000, ''],
    [{}, { onBattery: true }, 4000, 'on battery'],
    [{}, { lowPower: true }, 0, 'low power mode'],
    [{ power: false }, { onBattery: true, lowPower: true }, 1000, ''],
    [{ metalPriority: 'HIGH' }, { thermal: 'fair', onBattery: true }, 4000, 'on battery'],
  ] as const)('with %j and %j takes Metal from %d on', (settings, readings, from, why) => {
    const it = router({ settings, readings });
    expect(it.metalFrom('gemm')).toBe(from);
    expect(it.route(gemm(1e9)).primary).toBe(from === 0 ? 'cpu' : 'metal_gpu');
    expect(it.route(gemm(1e9)).reason).toContain(why);
    if (from > 0) expect(it.route(gemm(from - 1)).primary).toBe('cpu');
  });

  test('of a training step goes where its matrix product goes', () => {
    const step = (elements: number, dtype: 'f32' | 'f64' = 'f32') =>
      router().route({ kind: 'training', elements, dtype }).primary;
    expect([step(999), step(1000), step(1000, 'f64')]).toEqual(['cpu', 'metal_gpu', 'cpu']);
  });
});

describe('a model', () => {
  test('of any size runs on the Neural Engine where that is forced, as long as it is there, sound and switched on', () => {
    const forced = { forceNeuralEngine: true };
    for (const share of [0.0001, 1, 4])
      for (const latency of ['realtime', 'batch'] as const) {
        const route = router({ settings: forced }).route(model(share, latency));
        expect(route.primary).toBe('neural_engine');
        expect(route.fallback.at(-1)).toBe('cpu');
        expect(route.reason).toContain('COREML_FORCE_NEURAL_ENGINE is 1');
      }
    const change = { settings: forced, readings: { thermal: 'fair' } } as const;
    expect(where(change, model(1, 'batch'))).toBe('neural_engine');
    expect(where({ settings: forced, absent: 'neural_engine_models' }, model(0.1))).toBe('cpu');
    expect(where({ settings: forced, open: 'neural_engine_models' }, model(0.1))).toBe('cpu');
    expect(where({ settings: { ...forced, neuralEngine: false } }, model(0.1))).toBe('cpu');
    expect(where({ settings: { ...forced, autoRouting: false } }, model(0.1))).toBe('cpu');
  });

  test('small ones run on the CPU, others on the Neural Engine, in batches on the GPU', () => {
    expect(where({}, model(0.9))).toBe('cpu');
    expect(router().route(model(1))).toMatchObject({
      primary: 'neural_engine',
      fallback: ['metal_gpu', 'cpu'],
    });
    expect(router().route(model(1, 'batch'))).toMatchObject({
      primary: 'metal_gpu',
      fallback: ['neural_engine', 'cpu'],
    });
  });

  test.each([
    [{ neuralEngine: false }, 'metal_gpu'],
    [{ metal: false }, 'neural_engine'],
    [{ neuralEngine: false, metal: false }, 'cpu'],
    [{ autoRouting: false }, 'cpu'],
    [{ metalPriority: 'HIGH' }, 'metal_gpu'],
    [{ metalPriority: 'HIGH', neuralEnginePriority: 'HIGH' }, 'neural_engine'],
    [{ metalPriority: 'NORMAL', neuralEnginePriority: 'LOW' }, 'metal_gpu'],
  ] as const)('with %j runs on %s', (settings, primary) => {
    expect(where({ settings }, model(4))).toBe(primary);
  });

  test('a priority moves the size from which an accelerator is worth it', () => {
    const settings = { neuralEnginePriority: 'HIGH' } as const;
    expect(where({ settings }, model(0.5))).toBe('neural_engine');
    expect(where({ settings }, model(0.49))).toBe('cpu');
    const low = { neuralEnginePriority: 'LOW', metalPriority: 'LOW' } as const;
    expect([where({ settings: low }, model(1.9)), where({ settings: low }, model(2))]).toEqual([
      'cpu',
      'neural_engine',
    ]);
  });

  test.each([
    [{ thermal: 'fair' }, 'neural_engine', ['metal_gpu', 'cpu']],
    [{ thermal: 'serious' }, 'neural_engine', ['cpu']],
    [{ onBattery: true }, 'neural_engine', ['metal_gpu', 'cpu']],
    [{ lowPower: true }, 'neural_engine', ['cpu']],
  ] as const)('in batches with %j leaves the GPU to others', (readings, primary, fallback) => {
    expect(router({ readings }).route(model(64, 'batch'))).toMatchObject({ primary, fallback });
  });

  test('takes the next accelerator while one is taken out or absent', () => {
    expect(where({ open: 'neural_engine_models' }, model(4))).toBe('metal_gpu');
    expect(where({ absent: 'neural_engine_models' }, model(4))).toBe('metal_gpu');
    expect(router({ open: 'metal_models' }).route(model(4))).toMatchObject({
      primary: 'neural_engine',
      fallback: ['cpu'],
    });
    // Failures of the kernels say nothing of Core ML.
    expect(where({ open: 'metal_kernels' }, model(4, 'batch'))).toBe('metal_gpu');
  });
});
