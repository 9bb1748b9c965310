// The controls of the Metal device, through the loaded addon and, in a process of its own, over the software device.
import { afterAll, describe, expect, test } from 'bun:test';
import { hasSoftMetal, overSoftMetal } from '../../test/support/soft-metal.ts';
import { InvalidOptionError } from '../core/errors.ts';
import { kernels, metalHealth, metalSwitch, setMetalBreaker, setMetalFrom } from './index.ts';

const gemm = kernels().findIndex(({ id }) => id === 'gemm');
const last = kernels().length - 1;

describe('the controls of Metal', () => {
  afterAll(() => {
    setMetalFrom(gemm, 0);
    setMetalFrom(last, 0);
    setMetalBreaker(3, 5_000, 300_000);
  });

  test('a threshold is what the kernel table reports, of kernels and of indicators', () => {
    setMetalFrom(gemm, 4_096);
    setMetalFrom(last, 2 ** 48);
    const rows = kernels();
    expect([rows[gemm]!.metalFrom, rows[last]!.metalFrom]).toEqual([4_096, 2 ** 48]);
    setMetalFrom(gemm, 0);
    expect(kernels()[gemm]!.metalFrom).toBe(0);
  });

  test('a device that never failed is in use', () => {
    expect(metalHealth()).toEqual({ state: 'closed', failures: 0, opened: 0, retryInMs: 0, lastError: '' });
  });

  test('what is out of range is refused by name, and changes nothing', () => {
    const before = kernels().map(({ metalFrom }) => metalFrom);
    const calls: [string, () => void][] = [
      ['index', () => setMetalFrom(last + 1, 1)],
      ['index', () => setMetalFrom(-1, 1)],
      ['index', () => setMetalFrom(0.5, 1)],
      ['elements', () => setMetalFrom(0, -1)],
      ['elements', () => setMetalFrom(0, Number.NaN)],
      ['elements', () => setMetalFrom(0, '9' as unknown as number)],
      ['failures', () => setMetalBreaker(0, 1, 1)],
      ['retryMs', () => setMetalBreaker(1, -1, 1)],
      ['maxRetryMs', () => setMetalBreaker(1, 10, 9)],
      ['maxRetryMs', () => setMetalBreaker(1, 10, Number.POSITIVE_INFINITY)],
      ['on', () => metalSwitch(1 as unknown as boolean)],
    ];
    for (const [field, call] of calls) {
      try {
        call();
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidOptionError);
        expect((error as InvalidOptionError).extras.errors![0]).toMatchObject({ pointer: `/${field}` });
      }
    }
    expect(kernels().map(({ metalFrom }) => metalFrom)).toEqual(before);
  });
});

/** A call of gemm, and what ran it with its last number. */
const CALL = `
  const place = kernels().findIndex(({ id }) => id === 'gemm');
  const call = async (backend) => {
    const a = Float32Array.from({ length: 36 }, (_, i) => i), b = a.slice();
    const { backend: ran, out } = await gemm.async({ m: 6, n: 6, k: 6, a, b, backend });
    return ran + ' ' + out[35];
  };`;

describe.skipIf(!hasSoftMetal)('the controls of Metal over a device', () => {
  test('`auto` takes Metal from the threshold on, and the CPU below it and while Metal is switched off', async () => {
    const reports = await overSoftMetal<string[]>(`${CALL}
      report(await call('auto'));
      setMetalFrom(place, 432);  // 2 * 6 * 6 * 6 operations
      report(await call('auto'));
      setMetalFrom(place, 433);
      report(await call('auto'));
      setMetalFrom(place, 1);
      metalSwitch(false);
      report(await call('auto'));
      report(await refused(() => call('metal')));
      metalSwitch(true);
      report(await call('auto'));`);
    expect(reports).toEqual([
      'cpu 4005',
      'metal 4005',
      'cpu 4005',
      'cpu 4005',
      'Expected a backend that runs gemm for backend, was metal: it is switched off at run time',
      'metal 4005',
    ]);
  });

  test('the size of a call is its operations, as its definition states them, for every kernel', async () => {
    const found = await overSoftMetal<unknown[]>(`
      let calls = 0;
      const { KERNELS, kernels: table } = native;
      const { exampleCall } = await import(${JSON.stringify(new URL('./example-call.ts', import.meta.url).href)});
      const { operationsOf } = await import(${JSON.stringify(new URL('./large-call.ts', import.meta.url).href)});
      for (const [at, { id, metal }] of table().entries()) {
        const kernel = KERNELS.find(({ def }) => def.id === id);
        if (!metal || !kernel) continue;
        const { def } = kernel;
        const call = exampleCall(def, 'f32');
        const numbers = {};
        for (const [name, spec] of Object.entries({ ...def.sizes, ...def.options }))
          numbers[name] = Number(call[name] ?? spec.default ?? 0);
        const size = Math.floor(operationsOf(def, numbers));
        for (const [from, expected] of [[size, 'metal'], [size + 1, 'cpu']]) {
          setMetalFrom(at, from);
          const { backend } = kernel(call);
          calls++;
          if (backend !== expected) report(id + ' of ' + size + ' from ' + from + ': ' + backend);
        }
      }
      report(calls);`);
    expect(found).toHaveLength(1);
    expect(found[0]).toBeGreaterThanOrEqual(80);
  });

  test('a device that fails is taken out and the CPU completes all calls', async () => {
    const reports = await overSoftMetal<unknown[]>(`${CALL}
      setMetalBreaker(3, 1e9, 1e9);
      set('SWM_FAIL_FROM', '1:11');
      for (let i = 0; i < 3; ++i) report(await call('metal'));
      const { retryInMs, ...health } = metalHealth();
      report({ ...health, waits: retryInMs > 9e8 });
      const { commands } = metalCounts();
      report(await call('metal'));
      setMetalFrom(place, 1);
      report(await call('auto'));
      report(metalCounts().commands - commands);
      report(metalCounts().fallbacks);`);
    expect(reports).toEqual([
      'cpu 4005',
      'cpu 4005',
      'cpu 4005',
      { state: 'open', failures: 3, opened: 1, lastError: expect.stringContaining('code 11'), waits: true },
      'cpu 4005',
      'cpu 4005',
      0,
      4,
    ]);
  });

  test('a trial that goes well brings the device back', async () => {
    const reports = await overSoftMetal<unknown[]>(`${CALL}
      setMetalBreaker(1, 0, 0);
      set('SWM_FAIL_FROM', '1:11');
      report(await call('metal'));
      report(metalHealth().state);
      report(await call('metal'));
      set('SWM_FAIL_FROM', '');
      report(await call('metal'));
      const { state, failures, opened } = metalHealth();
      report([state, failures, opened]);`);
    expect(reports).toEqual(['cpu 4005', 'open', 'cpu 4005', 'metal 4005', ['closed', 0, 1]]);
  });
});
