import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_HARDWARE } from '../../core/hardware-settings.ts';
import { type Fingerprint, writeCalibration } from '../../hardware/routing.ts';
import { calibrationFindings } from './doctor-calibration.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'doctor-'));
afterAll(() => rmSync(dataDir, { recursive: true }));
const here: Fingerprint = { cpu: 'a', gpu: 'b', cores: 1, os: 'c', addon: 'd' };
const find = (absent: string | null, change: Partial<Fingerprint> = {}, hardware = DEFAULT_HARDWARE) =>
  calibrationFindings(
    { dataDir, hardware },
    { absent: () => absent, fingerprint: async () => ({ ...here, ...change }) },
  );

test('the doctor says whether the sizes of the GPU are known, and what to do', async () => {
  expect(await find('no device')).toEqual([]);
  expect(await find(null)).toMatchObject([{ level: 'info', found: 'not measured yet' }]);
  const rows = {
    gemm: { metal_from: 5, sizes: [] },
    triad: { metal_from: 0, sizes: [] },
  };
  const measured_at = '2026-11-22T10:00:00.000Z';
  writeCalibration(dataDir, { format: 1, measured_at, fingerprint: here, threads: 1, rows });
  expect(await find(null)).toEqual([
    { check: 'GPU sizes', level: 'ok', found: `measured ${measured_at}; the GPU wins in 1 of 2 rows` },
  ]);
  expect(await find(null, { addon: 'newer' })).toMatchObject([
    {
      level: 'warn',
      found: 'not used: it was measured with another addon',
      fix: expect.stringContaining('calibrate'),
    },
  ]);
  const off = { ...DEFAULT_HARDWARE, autoRouting: false };
  expect(await find(null, {}, off)).toMatchObject([{ level: 'info' }]);
});
