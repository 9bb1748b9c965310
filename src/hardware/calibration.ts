// The measured sizes of one machine as a file: what it looks like, whether it belongs to this machine, how it is kept.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** Place of the file in the data folder. */
export const CALIBRATION_FILE = 'hardware/calibration.json';

const fingerprintSchema = z.strictObject({
  /** Name of the processor. */
  cpu: z.string(),
  /** Name of the Metal device. */
  gpu: z.string(),
  /** Logical processors. */
  cores: z.int().positive(),
  /** System and version: `darwin 24.6.0 arm64`. */
  os: z.string(),
  /** Hash of the addon's file. */
  addon: z.string(),
});

/** What times depend on: another of any of these, and they say nothing. */
export type Fingerprint = z.infer<typeof fingerprintSchema>;

const rowSchema = z.strictObject({
  /** Size from which Metal wins; 0: never, as far as was tried. */
  metal_from: z.number().nonnegative(),
  sizes: z.array(
    z.strictObject({
      elements: z.number().positive(),
      cpu_ms: z.number().nonnegative(),
      metal_ms: z.number().nonnegative(),
    }),
  ),
  /** Why it has no times, or fewer than others. */
  note: z.string().optional(),
});

const calibrationSchema = z.strictObject({
  format: z.literal(1),
  measured_at: z.iso.datetime(),
  fingerprint: fingerprintSchema,
  /** Threads that the CPU had: the share of one engine. */
  threads: z.int().positive(),
  rows: z.record(z.string(), rowSchema),
});

/** The file: when, where and what was measured. */
export type Calibration = z.infer<typeof calibrationSchema>;
/** One row of it. */
export type CalibratedRow = z.infer<typeof rowSchema>;

/** What became of reading it. */
export type CalibrationRead =
  | { readonly state: 'loaded'; readonly calibration: Calibration }
  | { readonly state: 'absent' }
  /** Of another machine or build, broken, or not readable. */
  | { readonly state: 'refused'; readonly reason: string };

/** Returns the path of the file. */
export const calibrationPath = (dataDir: string): string => join(dataDir, CALIBRATION_FILE);

/** Returns the file of this machine, or why there is none to use. Never throws. */
export function readCalibration(dataDir: string, here: Fingerprint): CalibrationRead {
  let text: string;
  try {
    text = readFileSync(calibrationPath(dataDir), 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    return code === 'ENOENT' ? { state: 'absent' } : refused(`it cannot be read (${code})`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('it is not JSON');
  }
  const parsed = calibrationSchema.safeParse(json);
  if (!parsed.success) return refused(`it is broken at /${parsed.error.issues[0]?.path.join('/') ?? ''}`);
  const { fingerprint } = parsed.data;
  const other = (Object.keys(here) as (keyof Fingerprint)[]).filter((key) => fingerprint[key] !== here[key]);
  if (other.length > 0) return refused(`it was measured with another ${other.join(', ')}`);
  return { state: 'loaded', calibration: parsed.data };
}

const refused = (reason: string): CalibrationRead => ({ state: 'refused', reason });

/** Writes the file whole or not at all, and creates its folder. Throws what the file system throws. */
export function writeCalibration(dataDir: string, calibration: Calibration): void {
  const path = calibrationPath(dataDir);
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(calibrationSchema.parse(calibration), null, 1)}\n`);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Returns what changes whenever the file does; the same text while it is absent. */
export function calibrationVersion(dataDir: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(calibrationPath(dataDir));
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'absent';
  }
}

/** Returns the sizes from which Metal wins by row, without those where it never does. */
export function crossoversOf(calibration: Calibration): ReadonlyMap<string, number> {
  const rows = Object.entries(calibration.rows).filter(([, row]) => row.metal_from > 0);
  return new Map(rows.map(([id, row]) => [id, row.metal_from]));
}
