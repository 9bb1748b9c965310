// From Metal sources to a library of the software device: what each source contributes, and how they are linked.
import { join, resolve } from 'node:path';
import { backendFlags, clang, frontendFlags, HOME, type Options } from './clang.ts';
import { callGraph, checkRecursion, meetingFunctions, withThreadgroupLists } from './intermediate.ts';
import { callers, functionTable, type Kernel, parseKernels } from './kernels.ts';
import { checkRules } from './rules.ts';

/** What one source contributes to the library. */
export interface Unit {
  readonly object: string;
  readonly kernels: readonly string[];
  readonly meets: readonly string[];
}

/** Flags for intermediate code that the optimiser has not seen but will see. */
export const UNOPTIMISED = ['-O2', '-Xclang', '-disable-llvm-passes', '-S', '-emit-llvm'];

/** Compiles one source into an object file at `base`.o; `base` also names its intermediate files. */
export async function compileUnit(file: string, base: string, options: Options): Promise<Unit> {
  const source = resolve(file);
  const [{ code, names, meets }, tree] = await Promise.all([
    intermediateCode(source, base, options),
    clang([
      ...frontendFlags(options),
      '-fsyntax-only',
      '-Xclang',
      '-ast-dump',
      '-fno-color-diagnostics',
      source,
    ]),
  ]);
  checkRules(tree, source);
  const object = `${base}.o`;
  await clang(['-x', 'ir', '-O2', ...backendFlags(options), '-c', '-', '-o', object], code);
  return { object, kernels: names, meets };
}

/**
 * Returns the intermediate code of a source, with what the device calls of it, and the names of its kernels. `known` are the
 * kernels, where the caller has parsed them.
 */
export async function intermediateCode(
  source: string,
  base: string,
  options: Options,
  known?: readonly Kernel[],
): Promise<{ code: string; names: readonly string[]; meets: readonly string[] }> {
  const flags = frontendFlags(options);
  const kernels = known ?? parseKernels(await clang([...flags, '-E', '-P', source]));
  const names = kernels.map(({ name }) => name);
  const unit = `${base}.clcpp`;
  await Bun.write(unit, `#include "${source}"\n${callers(kernels)}`);
  const code = await clang([...flags, ...backendFlags(options), ...UNOPTIMISED, unit, '-o', '-']);
  const graph = callGraph(code);
  checkRecursion(graph);
  const meeting = meetingFunctions(graph);
  return {
    code: withThreadgroupLists(code, names),
    names,
    meets: names.filter((name) => meeting.has(name)),
  };
}

/** Links the units with a table of their kernels into the file `out`; intermediate files go into `folder`. */
export async function linkLibrary(
  out: string,
  units: readonly Unit[],
  folder: string,
  options: Options,
): Promise<void> {
  const table = join(folder, 'table.c');
  const meets = new Set(units.flatMap((unit) => unit.meets));
  const names = units.flatMap((unit) => unit.kernels);
  await Bun.write(table, functionTable(names, meets));
  const c = ['-x', 'c', `-I${HOME}`, '-O1', '-fPIC', '-fvisibility=hidden', table, join(HOME, 'glue.c')];
  const undefinedIsAnError = options.sanitize ? [] : ['-Wl,-z,defs'];
  const objects = units.map(({ object }) => object);
  await clang([...c, '-x', 'none', ...objects, '-shared', ...undefinedIsAnError, '-lm', '-o', out]);
}
