// The page of kernels: what each computes, takes and gives, how exact it is, what it costs, and a call of it.

import { jsonName } from '../../src/http/kernel-json.ts';
import type { ArraySpec, KernelDef, OptionSpec } from '../../src/native/define.ts';
import { FAMILIES, type Family } from '../../src/native/kernels/index.ts';
import * as library from '../../src/package/native.ts';
import { kernelExample } from './kernel-example.ts';
import { KERNELS_INTRO } from './kernels-intro.ts';
import type { EngineDocument } from './routes-page.ts';
import { cell } from './schema-text.ts';

const TITLES: Readonly<Record<Family, string>> = {
  matrix: 'Matrix',
  montecarlo: 'Monte Carlo',
  statistics: 'Statistics',
  portfolio: 'Portfolios',
  learning: 'Machine learning',
  system: 'The machine',
};

const STATUS_CLASSES: Readonly<Record<string, string>> = {
  kInvalidOption: 'InvalidOptionError',
  kShape: 'ShapeMismatchError',
  kNonFinite: 'NonFiniteInputError',
  kNotPositiveDefinite: 'NotPositiveDefiniteError',
  kInvariant: 'InvariantError',
};

/** Returns the page of kernels; `engines` say where each answers. */
export function kernelsPage(engines: readonly EngineDocument[]): string {
  const families = Object.keys(TITLES) as Family[];
  const parts = families.flatMap((family) => {
    const defs: KernelDef[] = FAMILIES[family].map(({ def }) => def);
    if (defs.length === 0) return [];
    const rows = defs.map(
      ({ id, title, tolerance, complexity }) =>
        `| [\`${id}\`](#${id}) | ${cell(title)} | ${power(tolerance.f64)}, ${power(tolerance.f32)} | ${cell(complexity)} |`,
    );
    const head = ['| kernel | what | tolerance in f64, f32 | cost |', '|---|---|---|---|'];
    return [
      `## ${TITLES[family]}`,
      '',
      ...head,
      ...rows,
      '',
      ...defs.flatMap((def) => section(def, engines)),
    ];
  });
  return `${[KERNELS_INTRO.trimEnd(), '', ...parts].join('\n').trimEnd()}\n`;
}

function section(def: KernelDef, engines: readonly EngineDocument[]): string[] {
  const name = nameOf(def);
  const { f64, f32, why } = def.tolerance;
  const same = f64 === 0 && f32 === 0;
  const exact = same
    ? 'the same bits'
    : `${def.dtypes.map((one) => `${one} ${power(def.tolerance[one])}`).join(', ')}`;
  return [
    `### ${def.id}`,
    '',
    `${def.title}: \`${name}\`. ${def.about}`,
    '',
    '| argument | kind | range | default | what |',
    '|---|---|---|---|---|',
    ...Object.entries(def.sizes).map(
      ([size, { about, min = 0, max = 2 ** 31 - 1, default: value }]) =>
        `| \`${size}\` | size | ${range(min, max)} | ${value ?? ''} | ${cell(about)} |`,
    ),
    ...Object.entries(def.options).map(([option, spec]) => optionRow(option, spec)),
    ...Object.entries(def.arrays).map(([array, spec]) => arrayRow(array, spec)),
    '',
    `- Element types: ${def.dtypes.join(', ')}. On the CPU by ${def.cpu === 'hwy' ? 'Highway SIMD' : 'BLAS and LAPACK'}.`,
    `- Tolerance: ${exact}; ${why}.`,
    `- Cost: ${def.complexity}; about \`${def.flops}\` operations.`,
    ...errorLines(def),
    `- Route: ${routeOf(def, engines)}.`,
    `- Source: ${def.source}.`,
    '',
    '```ts',
    kernelExample(def, name),
    '```',
    '',
  ];
}

/** Returns the name under which the package exports a kernel. Throws when it does not. */
export function nameOf(def: KernelDef): string {
  for (const [name, value] of Object.entries(library)) {
    if ((value as { def?: KernelDef }).def === def) return name;
  }
  throw new Error(`Expected kernel ${def.id} to be exported by src/package/native.ts, was absent`);
}

// The bounds that sizes and seeds have anyway read better as powers.
function written(value: number): string {
  if (value === 2 ** 31 - 1) return '2^31 - 1';
  if (value === Number.MAX_SAFE_INTEGER) return '2^53 - 1';
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toLocaleString('en') : String(value);
}

const power = (value: number) => (value === 0 ? '0' : value.toExponential());

function range(min = -Infinity, max = Infinity): string {
  if (min === -Infinity && max === Infinity) return 'finite';
  if (max === Infinity) return `${written(min)} or more`;
  return min === -Infinity ? `at most ${written(max)}` : `${written(min)} to ${written(max)}`;
}

function optionRow(name: string, option: OptionSpec): string {
  const kinds = { int: 'integer', number: 'number', flag: 'flag', choice: 'choice', seed: 'seed' } as const;
  const limits = {
    int: () => range(...bounds(option)),
    number: () => range(...bounds(option)),
    flag: () => 'true, false',
    choice: () => (option.kind === 'choice' ? option.values.map((value) => `\`${value}\``).join(', ') : ''),
    seed: () => range(0, Number.MAX_SAFE_INTEGER),
  }[option.kind]();
  const value = option.default === undefined ? 'required' : `\`${option.default}\``;
  const unit = 'unit' in option && option.unit !== '' ? `unit: ${option.unit}` : '';
  const what = [option.about, unit].filter(Boolean).join('; ');
  return `| \`${name}\` | ${kinds[option.kind]} | ${limits} | ${value} | ${cell(what)} |`;
}

function bounds(option: OptionSpec): [number | undefined, number | undefined] {
  return option.kind === 'int' || option.kind === 'number'
    ? [option.min, option.max]
    : [undefined, undefined];
}

const ROLES: Readonly<Record<ArraySpec['role'], readonly [kind: string, absent: string]>> = {
  input: ['input', 'required'],
  optional: ['input', 'none'],
  output: ['output', 'made'],
  wanted: ['output', 'not written'],
  inout: ['read and written', 'required'],
};

function arrayRow(name: string, { role, dims, type, about }: ArraySpec): string {
  const [kind, absent] = ROLES[role];
  const element = type === 'float' ? '' : ` of ${type}`;
  const shape = dims.length === 0 ? 'one number' : `\`[${dims.join(', ')}]\``;
  return `| \`${name}\` | ${kind}${element} | ${shape} | ${absent} | ${cell(about ?? '')} |`;
}

function errorLines(def: KernelDef): string[] {
  return Object.entries(def.errors ?? {}).map(
    ([status, words]) =>
      `- \`${STATUS_CLASSES[status] ?? status}\`: expected ${words.replace('{detail}', 'i')}.`,
  );
}

function routeOf(def: KernelDef, engines: readonly EngineDocument[]): string {
  const path = `/kernels/${def.id}`;
  const owner = engines.find(({ openApi }) => openApi.paths[path] !== undefined);
  if (owner === undefined) return 'none, it is for the library alone';
  const wanted = Object.entries(def.arrays).filter(([, { role }]) => role === 'wanted');
  const list = wanted.map(([name]) => `\`${jsonName(name)}\``).join(', ');
  const extra = wanted.length > 0 ? `; \`want\` may name ${list}` : '';
  return `\`POST ${path}\` of [${owner.name}](engines/${owner.name}.md)${extra}`;
}
