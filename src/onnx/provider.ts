// Chooses where a model runs: the CPU, or Core ML (Neural Engine, GPU) on macOS.
import { BackendUnavailableError } from '../core/errors.ts';

/** What a caller may ask for. 'coreml' means the Neural Engine, 'coreml-gpu' the GPU through Core ML. */
export type AskedProvider = 'auto' | 'cpu' | 'coreml' | 'coreml-gpu';

/** What was chosen, and why, in words for a reply or a log. */
export interface ProviderChoice {
  readonly provider: 'cpu' | 'coreml' | 'coreml-gpu';
  /** Flags for ONNX Runtime's Core ML provider; 0 on the CPU. */
  readonly coreMlFlags: number;
  readonly reason: string;
}

const ML_PROGRAM = 0x10;
const NEURAL_ENGINE = 0x04;
const CPU_AND_GPU = 0x20;

/**
 * Model size in bytes from which `auto` prefers Core ML on macOS. An 8 MB network was still twice as fast on the CPU of
 * an M1 Pro (published measurement), and Core ML compiles for seconds at each start, so only bigger models try it.
 */
export const COREML_AUTO_BYTES = 16 * 1024 * 1024;

/**
 * Returns the execution provider for a model of `modelBytes` on `platform` (a Node name such as 'darwin').
 * Throws BackendUnavailableError when Core ML is asked for off macOS.
 */
export function chooseProvider(asked: AskedProvider, modelBytes: number, platform: string): ProviderChoice {
  if (asked === 'cpu') return cpu('asked for');
  if (platform !== 'darwin') {
    if (asked !== 'auto') throw new BackendUnavailableError('Expected macOS for the Core ML provider');
    return cpu('the only provider on this platform');
  }
  if (asked === 'coreml-gpu') return coreMl('coreml-gpu', ML_PROGRAM | CPU_AND_GPU, 'asked for');
  if (asked === 'coreml') return coreMl('coreml', ML_PROGRAM | NEURAL_ENGINE, 'asked for');
  if (modelBytes < COREML_AUTO_BYTES) return cpu('small models run faster on the CPU than through Core ML');
  return coreMl('coreml', ML_PROGRAM | NEURAL_ENGINE, 'big model on a machine with Core ML');
}

/** Returns the CPU with a reason. */
export function cpu(reason: string): ProviderChoice {
  return { provider: 'cpu', coreMlFlags: 0, reason };
}

function coreMl(provider: 'coreml' | 'coreml-gpu', coreMlFlags: number, reason: string): ProviderChoice {
  return { provider, coreMlFlags, reason };
}
