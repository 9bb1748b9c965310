import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type Calibration,
  calibrationPath,
  calibrationVersion,
  crossoversOf,
  type Fingerprint,
  readCalibration,
  writeCalibration,
} from './calibration.ts';
import { crossoverOf } from './crossover.ts';

const root = mkdtempSync(join(tmpdir(), 'calibration-'));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'data-'));
});

const here: Fingerprint = {
  cpu: 'Apple M4 Max',
  gpu: 'Apple M4 Max',
  cores: 16,
  os: 'darwin 25.0.0 arm64',
  addon: 'a1',
};
const calibration: Calibration = {
  format: 1,
  measured_at: '2026-11-22T10:00:00.000Z',
  fingerprint: here,
  threads: 1,
  rows: {
    gemm: { metal_from: 1e6, sizes: [{ elements: 1e6, cpu_ms: 2, metal_ms: 1 }] },
    triad: { metal_from: 0, sizes: [], note: 'never' },
  },
};

describe('the calibration file', () => {
  test('comes back as it was written, and leaves no other file', () => {
    expect(readCalibration(folder, here)).toEqual({ state: 'absent' });
    const before = calibrationVersion(folder);
    writeCalibration(folder, calibration);
    expect(readCalibration(folder, here)).toEqual({ state: 'loaded', calibration });
    expect(calibrationVersion(folder)).not.toBe(before);
    expect(readdirSync(dirname(calibrationPath(folder)))).toEqual(['calibration.json']);
    expect([...crossoversOf(calibration)]).toEqual([['gemm', 1e6]]);
  });

  test.each(Object.keys(here) as (keyof Fingerprint)[])('is refused with another %s', (key) => {
    writeCalibration(folder, calibration);
    const there = { ...here, [key]: key === 'cores' ? 8 : 'another' };
    expect(readCalibration(folder, there)).toEqual({
      state: 'refused',
      reason: `it was measured with another ${key}`,
    });
  });

  test.each([
    ['{', 'it is not JSON'],
    ['[]', 'it is broken at /'],
    [JSON.stringify({ ...calibration, format: 2 }), 'it is broken at /format'],
    [
      JSON.stringify({ ...calibration, rows: { gemm: { metal_from: -1, sizes: [] } } }),
      'it is broken at /rows/gemm/metal_from',
    ],
    [JSON.stringify({ ...calibration, more: 1 }), 'it is broken at /'],
  ])('is refused when it is broken: %.20s', (text, reason) => {
    mkdirSync(dirname(calibrationPath(folder)));
    writeFileSync(calibrationPath(folder), text);
    expect(readCalibration(folder, here)).toEqual({ state: 'refused', reason });
  });

  test('is refused when it cannot be read', () => {
    mkdirSync(calibrationPath(folder), { recursive: true });
    expect(readCalibration(folder, here)).toEqual({
      state: 'refused',
      reason: 'it cannot be read (EISDIR)',
    });
  });

  test('is not written where it would not be read', () => {
    const broken = { ...calibration, threads: 0 };
    expect(() => writeCalibration(folder, broken)).toThrow();
    expect(readCalibration(folder, here)).toEqual({ state: 'absent' });
  });
});

describe('crossoverOf', () => {
  const size = (elements: number, cpuMs: number, metalMs: number) => ({ elements, cpuMs, metalMs });

  test('is the smallest size from which Metal wins at every larger one', () => {
    expect(crossoverOf([size(1, 1, 5), size(10, 6, 5), size(100, 60, 9)])).toBe(10);
    // A win below a loss is chance.
    expect(crossoverOf([size(1, 6, 5), size(10, 4, 5), size(100, 60, 9)])).toBe(100);
    expect(crossoverOf([size(100, 60, 9), size(1, 1, 5), size(10, 6, 5)])).toBe(10);
  });

  test('is 0 where Metal does not win at the largest size, is as fast, or nothing was tried', () => {
    expect(crossoverOf([size(1, 6, 5), size(10, 4, 5)])).toBe(0);
    expect(crossoverOf([size(1, 5, 5)])).toBe(0);
    expect(crossoverOf([])).toBe(0);
  });
});
