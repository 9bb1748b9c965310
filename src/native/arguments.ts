// The words of a refused argument, and the backends by name.
import { InvalidOptionError } from '../core/errors.ts';

/** Which implementation runs a kernel; `auto` is Metal where it is present and wins, else the CPU. */
export type BackendOption = 'auto' | 'cpu' | 'metal';

const backendCodes: Readonly<Record<BackendOption, number>> = { auto: 0, cpu: 1, metal: 2 };

/** Throws `InvalidOptionError` for one field. */
export function refuse(field: string, expected: string, received: string): never {
  const pointer = `/${field}`;
  throw new InvalidOptionError(`Expected ${expected} for ${field}, was ${received}`, [
    { pointer, expected, received },
  ]);
}

/** Returns the addon's number for a backend; throws `InvalidOptionError` for anything else. */
export function backendCode(backend: BackendOption = 'auto'): number {
  if (typeof backend === 'string' && Object.hasOwn(backendCodes, backend)) return backendCodes[backend];
  return refuse('backend', 'auto, cpu or metal', typeof backend);
}
