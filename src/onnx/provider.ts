// Chooses where a model runs: the CPU, or Core ML (Neural Engine, GPU) on macOS.
import { BackendUnavailableError } from '../core/errors.ts';
import { DEFAULT_HARDWARE } from '../core/hardware-settings.ts';
import { type Breaker, forEachPart, HardwareRouter, SOUND, UNTOLD } from '../hardware/routing.ts';

/** What a caller may ask for. 'coreml' means the Neural Engine, 'coreml-gpu' the GPU through Core ML. */
export type AskedProvider = 'auto' | 'cpu' | 'coreml' | 'coreml-gpu';

/** What was chosen, and why, in words for a reply or a log. */
export interface ProviderChoice {
  readonly provider: 'cpu' | 'coreml' | 'coreml-gpu';
  /** Flags for ONNX Runtime's Core ML provider; 0 on the CPU. */
  readonly coreMlFlags: number;
  readonly reason: string;
}

/** What decides for the sessions of a process: its router, and the failures of the accelerators that models run on. */
export interface ModelRouting {
  readonly router: HardwareRouter;
  readonly breakers: { readonly metal_models: Breaker; readonly neural_engine_models: Breaker };
}

const ML_PROGRAM = 0x10;
const NEURAL_ENGINE = 0x04;
const CPU_AND_GPU = 0x20;

/** Core ML takes only what has fixed shapes: with the two others of the Neural Engine, 28. */
export const STATIC_SHAPES = 0x08;

const FLAGS = { coreml: ML_PROGRAM | NEURAL_ENGINE, 'coreml-gpu': ML_PROGRAM | CPU_AND_GPU } as const;

/**
 * Returns the execution provider for a model of `modelBytes` on `platform` (a Node name such as 'darwin'). `auto` is what `router` says;
 * one without measured sizes and with all switches at their defaults when absent.
 * Throws BackendUnavailableError when Core ML is asked for off macOS, or what it would run on is switched off.
 */
export function chooseProvider(
  asked: AskedProvider,
  modelBytes: number,
  platform: string,
  router = plainRouter(platform),
): ProviderChoice {
  if (asked === 'cpu') return cpu('asked for');
  if (asked === 'auto') {
    const { primary, reason } = router.route({ kind: 'inference', modelBytes });
    if (primary === 'cpu') return cpu(reason);
    return coreMl(primary === 'neural_engine' ? 'coreml' : 'coreml-gpu', reason);
  }
  if (platform !== 'darwin') throw new BackendUnavailableError('Expected macOS for the Core ML provider');
  const { metal, neuralEngine } = router.state.settings;
  if (asked === 'coreml' && !neuralEngine)
    throw new BackendUnavailableError(
      'Expected a provider that is switched on, but NEURAL_ENGINE_ENABLED is 0',
    );
  if (asked === 'coreml-gpu' && !metal)
    throw new BackendUnavailableError('Expected a provider that is switched on, but METAL_ACCELERATION is 0');
  return coreMl(asked, 'asked for');
}

function plainRouter(platform: string): HardwareRouter {
  const reason = platform === 'darwin' ? null : 'Core ML is part of macOS';
  return new HardwareRouter([], {
    settings: DEFAULT_HARDWARE,
    presence: forEachPart(() => reason),
    health: forEachPart(() => SOUND),
    readings: UNTOLD,
    crossovers: new Map(),
  });
}

/** Returns the CPU with a reason. */
export function cpu(reason: string): ProviderChoice {
  return { provider: 'cpu', coreMlFlags: 0, reason };
}

function coreMl(provider: 'coreml' | 'coreml-gpu', reason: string): ProviderChoice {
  return { provider, coreMlFlags: FLAGS[provider], reason };
}

/** Returns the breaker of what a provider runs on; undefined for the CPU. */
export function breakerOf(
  provider: ProviderChoice['provider'],
  breakers: ModelRouting['breakers'],
): Breaker | undefined {
  if (provider === 'cpu') return undefined;
  return provider === 'coreml' ? breakers.neural_engine_models : breakers.metal_models;
}
