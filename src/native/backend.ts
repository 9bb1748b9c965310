// Names what ran a kernel.
import { loadAddon } from './addon.ts';

/** What ran a kernel: the backend, and the instruction set or library on it. */
export interface Ran {
  readonly backend: 'cpu' | 'metal';
  readonly target: string;
}

const METAL_CODE = 2;
const onMetal: Ran = { backend: 'metal', target: 'Metal' };
let onCpu: Readonly<Record<'hwy' | 'blas', Ran>> | undefined;

/** Returns what the addon's number for a backend means for a kernel that `cpu` computes on the CPU. */
export function ranOn(cpu: 'hwy' | 'blas', code: number): Ran {
  if (code === METAL_CODE) return onMetal;
  if (onCpu === undefined) {
    const { simdTarget, blasTarget } = loadAddon().buildInfo();
    onCpu = { hwy: { backend: 'cpu', target: simdTarget }, blas: { backend: 'cpu', target: blasTarget } };
  }
  return onCpu[cpu];
}
