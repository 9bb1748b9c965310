// Programs of tests in processes of their own, over an addon whose Metal is the software device.
import { expect } from 'bun:test';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The addon over the software device; it is built where clang 19 and GNUstep are. */
export const SOFT_ADDON = path('build/native/swmetal/nautilus.node');
export const hasSoftMetal = existsSync(SOFT_ADDON);

const PRELUDE = `
  const native = await import(${JSON.stringify(path('src/native/index.ts'))});
  const { gemm, kernels, metalCounts, metalHealth, metalPipelines, metalSwitch, setMetalBreaker, setMetalFrom } = native;
  // What the software device reads; assigning to process.env would not reach it.
  const { dlopen } = await import('bun:ffi');
  const { setenv } = dlopen('libc.so.6', { setenv: { args: ['cstring', 'cstring', 'int'], returns: 'int' } }).symbols;
  const set = (name, value) => setenv(Buffer.from(name + '\\0'), Buffer.from(String(value) + '\\0'), 1);
  const reports = [];
  const report = (value) => reports.push(value);
  const refused = async (work) => { try { await work(); return 'ran'; } catch (error) { return error.message; } };
  const numbers = (count, seed = 1) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * seed + seed));
`;

/** Starts `body` in a process of its own; `ended()` waits for it and returns what it gave to `report`. */
export function startOverSoftMetal(body: string, env: Readonly<Record<string, string>> = {}) {
  const program = `${PRELUDE}\n${body}\nconsole.log(JSON.stringify(reports));`;
  const child = Bun.spawn([process.execPath, '-e', program], {
    env: {
      ...process.env,
      NAUTILUS_ADDON: SOFT_ADDON,
      SWM_CACHE: path('build/native/swmetal/cache'),
      ...env,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  return {
    async ended<T>(): Promise<{ reports: T; stderr: string }> {
      const [text, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect({ code: await child.exited, stderr }).toEqual({ code: 0, stderr });
      return { reports: JSON.parse(text.trim().split('\n').at(-1)!) as T, stderr };
    },
  };
}

/** Runs `body` so, and returns what it gave to `report`. */
export async function overSoftMetal<T>(body: string, env: Readonly<Record<string, string>> = {}): Promise<T> {
  return (await startOverSoftMetal(body, env).ended<T>()).reports;
}
