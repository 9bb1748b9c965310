// The Metal device at run time: what it did, how it is, from which sizes on it is used, and its switch.
import { loadAddon, type MetalCounts, type MetalHealth, type MetalPipeline } from './addon.ts';
import { fromNative } from './errors.ts';

function native<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** Returns what the Metal device has done so far; zeros where there is none. Throws `BackendUnavailableError`. */
export function metalCounts(): MetalCounts {
  return loadAddon().metalCounts();
}

/** Returns the Metal kernels of this device by name, with their limits and use; none where there is no device. Throws `BackendUnavailableError`. */
export function metalPipelines(): readonly MetalPipeline[] {
  return loadAddon().metalPipelines();
}

/** Returns how the Metal device is; `closed` where there is none, as nothing failed. Throws `BackendUnavailableError`. */
export function metalHealth(): MetalHealth {
  return loadAddon().metalHealth();
}

/**
 * Sets from which size of a call on `auto` takes Metal for the row at `index` of `kernels()`, which then reports it; 0 means never. The
 * size is that of {@link KernelRow.metalFrom}, an integer from 0 to 2^48. All Workers of the process share it; calls under way keep what they chose.
 * Throws `InvalidOptionError`, `BackendUnavailableError`.
 */
export function setMetalFrom(index: number, elements: number): void {
  native(() => loadAddon().setMetalFrom(index, elements));
}

/**
 * Sets when a failing Metal device is taken out: after how many `failures` of calls in a row (an integer from 1; default 3), after
 * how many milliseconds one call tries it again (default 5,000), and up to how many that doubles with each trial that fails
 * (default 300,000, at least `retryMs`). Holds from the next failure on. Throws `InvalidOptionError`, `BackendUnavailableError`.
 */
export function setMetalBreaker(failures: number, retryMs: number, maxRetryMs: number): void {
  native(() => loadAddon().setMetalBreaker(failures, retryMs, maxRetryMs));
}

/**
 * Switches the Metal device on (as it is at the start) or off for this process, whatever its health: off, `auto` takes the CPU, and
 * asking for `metal` is refused with `BackendUnavailableError`. Calls under way go on. Throws `InvalidOptionError`,
 * `BackendUnavailableError`.
 */
export function metalSwitch(on: boolean): void {
  native(() => loadAddon().metalSwitch(on));
}
