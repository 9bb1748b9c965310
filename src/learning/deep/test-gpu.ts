// Fits families of networks on WebGPU and prints their losses and hardware; gpu.test.ts compares them with the CPU's. Families to fit
// are named as arguments: a software device takes ten seconds and more for each.
import type { Family, TrainingHardware } from '../family.ts';
import { DEEP_FAMILIES } from './index.ts';

const ROWS = 48;
const STEPS = 4;
const COLUMNS = 8;

/** What a fit says of itself. */
export interface Told {
  readonly family: string;
  readonly losses: readonly number[];
  readonly hardware: unknown;
}

/** Returns what each named family says of two epochs on `hardware`. */
export async function fitAll(hardware: TrainingHardware, names: readonly string[]): Promise<Told[]> {
  const inputs = Float32Array.from(
    { length: ROWS * COLUMNS },
    (_, i) => Math.sin(i * 1.7) + Math.sin(i * 0.3),
  );
  const targets = Float32Array.from({ length: ROWS }, (_, row) => Math.sin(row * 0.9));
  const all: Told[] = [];
  for (const family of DEEP_FAMILIES as readonly unknown[] as readonly Family[]) {
    if (!names.includes(family.name)) continue;
    const [task] = family.tasks;
    const asked = { epochs: 2, batch_size: 16, schedule: 'constant' };
    const options = family.options.safeParse({ ...asked, steps: STEPS }).data ?? family.options.parse(asked);
    const labelled = task === 'regression' ? { targets } : {};
    const data = { inputs, rows: ROWS, columns: COLUMNS, ...labelled };
    const control = { seed: 1, threads: 1, ownProcess: true, hardware };
    const { history, facts } = await family.fit(task!, data, options, control);
    all.push({ family: family.name, losses: history.map(({ loss }) => loss), hardware: facts.hardware });
  }
  return all;
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await fitAll('webgpu', process.argv.slice(2)))}\n`);
}
