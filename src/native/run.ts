// Runs one raw kernel call, on or off the JavaScript thread, and names what ran it.
import { loadAddon, type RawAddon } from './addon.ts';
import { fromNative } from './errors.ts';

/** What ran a kernel: the backend, and the instruction set or library on it. */
export interface Ran {
  readonly backend: 'cpu' | 'metal';
  readonly target: string;
}

const metalCode = 2;
let cpuTargets: Map<string, string> | undefined;

function ran(addon: RawAddon, kernel: string, code: number): Ran {
  if (code === metalCode) return { backend: 'metal', target: 'Metal' };
  cpuTargets ??= new Map(addon.kernels().map((row) => [row.id, row.cpuTarget]));
  return { backend: 'cpu', target: cpuTargets.get(kernel) ?? 'unknown' };
}

/** Returns what ran after a synchronous call; throws the mapped error class when it fails. */
export function runNow(kernel: string, call: (addon: RawAddon) => number): Ran {
  const addon = loadAddon();
  try {
    return ran(addon, kernel, call(addon));
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** Resolves to what ran after an off-thread call; rejects with the mapped error class when it fails. */
export async function runLater(kernel: string, call: (addon: RawAddon) => Promise<number>): Promise<Ran> {
  const addon = loadAddon();
  try {
    return ran(addon, kernel, await call(addon));
  } catch (thrown) {
    throw fromNative(thrown);
  }
}
