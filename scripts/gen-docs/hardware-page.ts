// The page of hardware: which rows of the kernel table have a Metal form, what to expect of it, and why the others have none.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE } from '../../src/indicators/catalogue.ts';
import { KERNELS, type KernelDef } from '../../src/native/index.ts';
import { elementsOf, LARGE_PANEL, largeCall, operationsOf } from '../../src/native/large-call.ts';

const HOST = 'native/metal/host';

// M4 Max, 40 cores: bytes and operations of f32 in a millisecond.
const BYTES = 546e6;
const FLOPS = 13.8e9;

const FACTORS = 'each column of a factor waits for the one before; the matrix units of the CPU do that best';
const LAPACK = 'LAPACK in many short steps; in f32 its results would be of little use';
/** Why a row has no Metal form. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  solve_spd: FACTORS,
  cholesky: FACTORS,
  cholesky_solve: FACTORS,
  inverse_spd: FACTORS,
  eigen_symmetric: LAPACK,
  eigenvalues_symmetric: LAPACK,
  svd: LAPACK,
  least_squares: LAPACK,
  pca: LAPACK,
  ledoit_wolf: 'a covariance and a few sums over it: use `covariance`',
  nearest_psd: LAPACK,
  cross_neutralise: 'a small system of equations for each bar, in f64 for its condition',
  ks_two_sample: 'sorted merges of two samples; the sort is on the CPU',
  population_stability: 'a sort, and few operations after it',
  mc_american: 'regressions over all paths between the steps',
  column_summaries: 'a sort of each column, and sums in f64 after it',
  coordinate_descent: 'each coefficient waits for the one before',
  kmeans: 'about as much memory as arithmetic in each round, and rounds that wait for each other',
  dbscan: 'searches in grids and trees, and sets that grow together',
  hmm_fit: 'each row waits for the one before, in f64',
  hmm_states: 'each row waits for the one before, in f64',
  linear_log_loss: 'steps of Newton need f64 near the minimum',
  fma_chains: 'measures the CPU',
};

/** Returns the Metal kernels of each row by its C++ name, as the host lists them. */
export async function metalSlots(root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const slots = new Map<string, readonly string[]>();
  for (const file of readdirSync(join(root, HOST)).filter((name) => name.endsWith('.h'))) {
    const text = (await Bun.file(join(root, HOST, file)).text()).replaceAll(/\\\n\s*/g, ' ');
    for (const [, name, kernels] of text.matchAll(/\bX\((\w+),((?:\s*"\w+",?)+)\s*\)/g))
      slots.set(
        name!,
        [...kernels!.matchAll(/"(\w+)"/g)].map(([, kernel]) => kernel!),
      );
  }
  return slots;
}

const camel = (id: string): string =>
  id
    .split('_')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');

function expected(def: KernelDef): string {
  const values = largeCall(def);
  const operations = operationsOf(def, values);
  const named = Object.keys(def.options).filter((name) => values[name]! > 1 && def.flops.includes(name));
  const sizes = [...Object.keys(def.sizes).filter((name) => values[name]! > 0), ...named].map(
    (name) => `${name} ${values[name]!.toLocaleString('en')}`,
  );
  const ms = Math.max((elementsOf(def, values) * 4) / BYTES, operations / FLOPS);
  return `${sizes.join(', ')}: ${figure(ms)} ms`;
}

const figure = (ms: number): string => (ms < 0.01 ? '< 0.01' : ms.toPrecision(2));

// What is written by hand: one file for each section, in the order of their names.
function sections(): string[] {
  const folder = join(import.meta.dir, 'hardware');
  const names = readdirSync(folder).sort();
  return names.flatMap((name) => [readFileSync(join(folder, name), 'utf8').trim(), '']);
}

/** Returns the text of `docs/hardware.md`. @throws Error when a row has neither a Metal form nor a reason. */
export async function hardwarePage(root: string): Promise<string> {
  const slots = await metalSlots(root);
  const defs: KernelDef[] = KERNELS.map(({ def }) => def);
  const rows: string[] = [];
  const absent: string[] = [];
  for (const def of defs) {
    const kernels = slots.get(camel(def.id));
    const why = LEFT_OUT[def.id];
    if ((kernels === undefined) === (why === undefined))
      throw new Error(
        `Expected either a Metal form or a reason for ${def.id}, was ${kernels ? 'both' : 'neither'}`,
      );
    if (kernels === undefined) absent.push(`| \`${def.id}\` | ${why} |`);
    else {
      const names = kernels.map((kernel) => `\`${kernel}\``).join(', ');
      rows.push(
        `| [\`${def.id}\`](kernels.md#${def.id}) | ${names} | ${def.tolerance.f32 || 'the same bits'} | ${expected(def)} |`,
      );
    }
  }
  const panel = LARGE_PANEL.bars * LARGE_PANEL.series;
  const indicators = CATALOGUE.map(({ name, inputs, outputs }) => {
    const columns = inputs.length + Object.keys(outputs).length;
    return `| \`${name}\` | \`${name}_f32\` | ${figure((columns * panel * 4) / BYTES)} ms |`;
  });
  return [
    ...sections(),
    '## Metal kernels',
    '',
    `${rows.length} kernels. The tolerance is against the CPU in f32, relative as [kernels.md](kernels.md) says.`,
    '',
    '| row | Metal kernels | tolerance | expected on an M4 Max |',
    '|---|---|---|---|',
    ...rows,
    '',
    `${indicators.length} indicators, with the bits of the CPU. Expected for a panel of 10,000 bars and 1,000 series: each value is read and written`,
    'once. One that goes from bar to bar keeps only as many threads busy as there are series, so few series take longer.',
    '',
    '| row | Metal kernel | expected on an M4 Max |',
    '|---|---|---|',
    ...indicators,
    '',
    '## Rows without a Metal form',
    '',
    '| row | why |',
    '|---|---|',
    ...absent,
    '',
  ].join('\n');
}
