// What the addon says of itself, in the short form that every engine reports.
import { buildInfo, isAddonBuilt } from '../native/index.ts';

/** `backend` is `cpu`, `metal` or `unavailable`; `target` is the SIMD target in use. */
export interface NativeInfo {
  readonly backend: string;
  readonly target: string | null;
}

let known: NativeInfo | undefined;

/** Returns the addon's backend and SIMD target; loads the addon on the first call, and never throws. */
export function nativeInfo(): NativeInfo {
  known ??= read();
  return known;
}

function read(): NativeInfo {
  if (!isAddonBuilt()) return { backend: 'unavailable', target: null };
  try {
    const info = buildInfo();
    return { backend: info.metal.available ? 'metal' : 'cpu', target: info.simdTarget };
  } catch {
    return { backend: 'unavailable', target: null };
  }
}
