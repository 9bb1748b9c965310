// metalc [--sanitize] [--math safe|relaxed|fast] [--version 310] OUT.so FILE.metal...: compiles MSL for the
// software device, as `xcrun metal` does for a GPU. Ends with 1 and diagnostics on stderr for a bad source.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CompileError, type Options } from './metalc/clang.ts';
import { compileUnit, linkLibrary, type Unit } from './metalc/library.ts';

const USAGE = 'metalc [--sanitize] [--math safe|relaxed|fast] [--version 310] OUT.so FILE.metal...';

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
      units.push(await compileUnit(file, join(folder, `unit${at}`), options));
    // The library appears as a whole: no one opens half of it.
    const library = `${out}.${process.pid}.tmp`;
    await linkLibrary(library, units, folder, options);
    await rename(library, out);
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
