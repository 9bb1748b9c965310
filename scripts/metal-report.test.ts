import { describe, expect, test } from 'bun:test';
import { judge, mergeRows, readSeen, reportOf } from './metal-report.ts';

// As metal_tests prints it on the software device.
const OUTPUT = `ok   gemm, transposed or not, alone or many, is the CPU's within the tolerance
device SoftMetal
row batched_gemm worst 1.07e-08 allowed 1e-05 comparisons 1 gpu_ms 0.714
row gemm worst 4.71e-08 allowed 1e-05 comparisons 48 gpu_ms 21.301
commands 49 failures 0 retries 0 gpu_ms 22.0
1 tests, 150 checks, 0 failed
`;

const MAC = { name: 'Apple M4 Max', broken: [] };
const VM = { name: 'Apple Paravirtual device', broken: ['gemm_f32: needs Apple7'] };
const FAILED = `/x/metal_matrix_test.cc:56: chosen == backend is false ran on another backend\n1 tests, 1 checks, 1 failed\n`;
const WRONG = `/x/metal_matrix_test.cc:60: Within(id, far) is false 33 x 31\n/x/a.cc:61: b is false \n`;

describe('the report of Metal tests', () => {
  test('reads the device, the kernels that it does not take, and the rows', () => {
    const seen = readSeen(OUTPUT);
    expect(seen.device).toBe('SoftMetal');
    expect(seen.rows.map(({ id }) => id)).toEqual(['batched_gemm', 'gemm']);
    expect(seen.rows[1]).toEqual({
      id: 'gemm',
      worst: 4.71e-8,
      allowed: 1e-5,
      comparisons: 48,
      gpuMs: 21.301,
    });
    expect(readSeen('broken gemm_f32: too many registers\n').broken).toEqual([
      'gemm_f32: too many registers',
    ]);
    expect(readSeen('row a worst nan allowed 0 comparisons 1 gpu_ms 0.000\n').rows[0]!.worst).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  test('a row of several tests has the worst of them and the sum of their times', () => {
    const row = { id: 'gemm', worst: 1e-8, allowed: 1e-5, comparisons: 2, gpuMs: 1 };
    expect(mergeRows([row, { ...row, worst: 3e-8, gpuMs: 2 }, { ...row, id: 'ema' }])).toEqual([
      { ...row, id: 'ema' },
      { ...row, worst: 3e-8, comparisons: 4, gpuMs: 3 },
    ]);
  });

  test('a wrong number fails on every device', () => {
    for (const device of [MAC, VM]) {
      const outcome = judge('a', { output: WRONG, exitCode: 1, seconds: 1 }, device);
      expect(outcome.result).toBe('failed');
      expect(outcome.reason).toContain('33 x 31');
      expect(outcome.reason).toContain('(and 1 more)');
    }
  });

  test('what a virtual machine lacks, or hangs on, is skipped there with the reason, and fails on a Mac', () => {
    const lacks = { output: FAILED, exitCode: 1, seconds: 1 };
    expect(judge('a', lacks, VM)).toMatchObject({
      result: 'skipped',
      reason: 'this virtual machine has no gemm_f32',
    });
    expect(judge('a', lacks, MAC).result).toBe('failed');
    expect(judge('a', lacks, { ...VM, broken: [] }).result).toBe('failed');
    const hangs = { output: '', exitCode: null, seconds: 120 };
    expect(judge('a', hangs, VM)).toMatchObject({
      result: 'skipped',
      reason: 'no answer within 120 s in a virtual machine',
    });
    expect(judge('a', hangs, MAC)).toMatchObject({ result: 'failed', reason: 'no answer within 120 s' });
  });

  test('names the device, every test, and a row that is too far', () => {
    const far = { id: 'ema', worst: 1, allowed: 0, comparisons: 1, gpuMs: 0.5 };
    const text = reportOf(
      ['date: today'],
      { device: 'Apple M4 Max', broken: [], rows: [far] },
      [
        { sentence: 'works', result: 'passed', reason: '', seconds: 1 },
        { sentence: 'breaks', result: 'failed', reason: 'x is false', seconds: 2 },
      ],
      ['commands: 3'],
    );
    expect(text).toContain('device: Apple M4 Max\n');
    expect(text).toContain('tests: 1 passed, 1 failed, 0 skipped');
    expect(text).toContain('FAIL breaks (2.0 s)\n       x is false');
    expect(text).toMatch(/ema +1\.00 +0 +1 +0\.500\s+TOO FAR/);
  });
});
