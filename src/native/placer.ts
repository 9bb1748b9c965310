// The threads of the process, as the addon can place them.
import { loadAddon, type RawAddon } from './addon.ts';

/**
 * Places the threads of this process; each throws `BackendUnavailableError` without an addon. `setUrgency` gives the calling thread and
 * those of kernels a quality-of-service class on macOS, and does nothing elsewhere. `bindThreads` lets all threads run on these logical
 * CPUs only, on Linux; `error` says why not. `allowedCpus` are the logical CPUs of the calling thread, empty where the system does not tell.
 */
export const placer: Pick<RawAddon, 'setUrgency' | 'bindThreads' | 'allowedCpus'> = {
  setUrgency: (urgency) => loadAddon().setUrgency(urgency),
  bindThreads: (cpus) => loadAddon().bindThreads(cpus),
  allowedCpus: () => loadAddon().allowedCpus(),
};
