// The switches of hardware routing, as an operator sets them; what each does is in docs/hardware.md.
import { z } from 'zod';

/** How early an accelerator is taken: `HIGH` from half of the measured size on, `LOW` from twice. */
export type Priority = 'HIGH' | 'NORMAL' | 'LOW';

/** Which hardware may be used, and how eagerly. */
export interface HardwareSettings {
  /** False takes the GPU out: kernels never run on Metal, models never on the GPU through Core ML. */
  readonly metal: boolean;
  /** False takes the Neural Engine out. */
  readonly neuralEngine: boolean;
  /** True takes the Neural Engine for models of any size, wherever `auto` may take it. */
  readonly forceNeuralEngine: boolean;
  /** False leaves all that does not name an accelerator on the CPU. */
  readonly autoRouting: boolean;
  readonly metalPriority: Priority;
  readonly neuralEnginePriority: Priority;
  /** True takes expected sizes on an M4 Max until they are measured. */
  readonly m4Max: boolean;
  /** True lets thermal pressure keep work off the GPU. */
  readonly thermal: boolean;
  /** True lets a battery or the low power mode keep work off the GPU. */
  readonly power: boolean;
}

const flag = (value: '0' | '1') =>
  z
    .enum(['0', '1', 'false', 'true'])
    .default(value)
    .transform((word) => word === '1' || word === 'true');
const priority = z.enum(['HIGH', 'NORMAL', 'LOW']).default('NORMAL');

/** The variables of hardware routing, for the schema of the environment. */
export const HARDWARE_VARIABLES = {
  METAL_ACCELERATION: flag('1'),
  NEURAL_ENGINE_ENABLED: flag('1'),
  COREML_FORCE_NEURAL_ENGINE: flag('0'),
  AUTO_HARDWARE_ROUTING: flag('1'),
  METAL_GPU_PRIORITY: priority,
  NEURAL_ENGINE_PRIORITY: priority,
  M4_MAX_OPTIMIZED: flag('0'),
  THERMAL_MANAGEMENT: flag('1'),
  POWER_OPTIMIZATION: flag('1'),
};

type Variables = z.infer<z.ZodObject<typeof HARDWARE_VARIABLES>>;

/** Returns the settings of checked variables. */
export function hardwareSettings(env: Variables): HardwareSettings {
  return {
    metal: env.METAL_ACCELERATION,
    neuralEngine: env.NEURAL_ENGINE_ENABLED,
    forceNeuralEngine: env.COREML_FORCE_NEURAL_ENGINE,
    autoRouting: env.AUTO_HARDWARE_ROUTING,
    metalPriority: env.METAL_GPU_PRIORITY,
    neuralEnginePriority: env.NEURAL_ENGINE_PRIORITY,
    m4Max: env.M4_MAX_OPTIMIZED,
    thermal: env.THERMAL_MANAGEMENT,
    power: env.POWER_OPTIMIZATION,
  };
}

/** What holds when no variable is set. */
export const DEFAULT_HARDWARE: HardwareSettings = hardwareSettings(z.object(HARDWARE_VARIABLES).parse({}));
