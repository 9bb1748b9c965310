// metalc [--sanitize] [--math safe|relaxed|fast] [--version 310] OUT.so FILE.metal...: compiles MSL for the
// software device, as `xcrun metal` does for a GPU. Ends with 1 and diagnostics on stderr for a bad source.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { backendFlags, CompileError, clang, frontendFlags, HOME, type Options } from './metalc/clang.ts';
import { callGraph, checkRecursion, meetingFunctions, withThreadgroupLists } from './metalc/intermediate.ts';
import { callers, functionTable, parseKernels } from './metalc/kernels.ts';
import { checkRules } from './metalc/rules.ts';

/** What one source contributes to the library. */
interface Unit {
  readonly object: string;
  readonly kernels: readonly string[];
  readonly meets: readonly string[];
}

// Intermediate code that the optimiser has not seen but will see.
const UNOPTIMISED = ['-O2', '-Xclang', '-disable-llvm-passes', '-S', '-emit-llvm'];

const USAGE = 'metalc [--sanitize] [--math safe|relaxed|fast] [--version 310] OUT.so FILE.metal...';

/** Compiles one source into an object file at `base`.o; `base` also names its intermediate files. */
async function compile(file: string, base: string, options: Options): Promise<Unit> {
  const source = resolve(file);
  const flags = frontendFlags(options);
  const kernels = parseKernels(await clang([...flags, '-E', '-P', source]));
  const names = kernels.map(({ name }) => name);
  const unit = `${base}.clcpp`;
  await Bun.write(unit, `#include "${source}"\n${callers(kernels)}`);
  const [tree, code] = await Promise.all([
    clang([...flags, '-fsyntax-only', '-Xclang', '-ast-dump', '-fno-color-diagnostics', source]),
    clang([...flags, ...backendFlags(options), ...UNOPTIMISED, unit, '-o', '-']),
  ]);
  checkRules(tree, source);
  const graph = callGraph(code);
  checkRecursion(graph);
  const meeting = meetingFunctions(graph);
  const object = `${base}.o`;
  const input = withThreadgroupLists(code, names);
  await clang(['-x', 'ir', '-O2', ...backendFlags(options), '-c', '-', '-o', object], input);
  return { object, kernels: names, meets: names.filter((name) => meeting.has(name)) };
}

/** Links the units with a table of their kernels. The library appears as a whole: no one opens half of it. */
async function link(out: string, units: readonly Unit[], folder: string, options: Options): Promise<void> {
  const table = join(folder, 'table.c');
  const meets = new Set(units.flatMap((unit) => unit.meets));
  const names = units.flatMap((unit) => unit.kernels);
  await Bun.write(table, functionTable(names, meets));
  const library = `${out}.${process.pid}.tmp`;
  const c = ['-x', 'c', `-I${HOME}`, '-O1', '-fPIC', '-fvisibility=hidden', table, join(HOME, 'glue.c')];
  const undefinedIsAnError = options.sanitize ? [] : ['-Wl,-z,defs'];
  const objects = units.map(({ object }) => object);
  await clang([...c, '-x', 'none', ...objects, '-shared', ...undefinedIsAnError, '-lm', '-o', library]);
  await rename(library, out);
}

function readArguments(args: readonly string[]): { options: Options; out: string; files: string[] } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      sanitize: { type: 'boolean', default: false },
      math: { type: 'string', default: 'safe' },
      version: { type: 'string', default: '310' },
    },
  });
  const [out, ...files] = positionals;
  const { math } = values;
  const version = Number(values.version);
  if (!out || files.length === 0) throw new CompileError(`usage: ${USAGE}`);
  if ((math !== 'safe' && math !== 'relaxed' && math !== 'fast') || !Number.isInteger(version)) {
    throw new CompileError(`usage: ${USAGE}`);
  }
  return { options: { sanitize: values.sanitize, math, version }, out: resolve(out), files };
}

async function main(): Promise<void> {
  const { options, out, files } = readArguments(process.argv.slice(2));
  const folder = await mkdtemp(join(tmpdir(), 'metalc-'));
  try {
    const units: Unit[] = [];
    for (const [at, file] of files.entries())
      units.push(await compile(file, join(folder, `unit${at}`), options));
    await link(out, units, folder, options);
  } finally {
    await rm(folder, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof CompileError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
