// What the switches and the state of the machine mean for the GPU and the Neural Engine, in one number and one sentence each.
import type { HardwareSettings, Priority } from '../core/hardware-settings.ts';
import type { Readings } from './readings.ts';

/** How much a measured size is moved by a priority. */
export const PRIORITY_FACTOR: Readonly<Record<Priority, number>> = { HIGH: 0.5, NORMAL: 1, LOW: 2 };

/** On how much bigger work the GPU is taken while the machine is warm. */
export const FAIR_FACTOR = 2;
/** On how much bigger work the GPU is taken on battery. */
export const BATTERY_FACTOR = 4;

/** Whether `auto` may take an accelerator, and from how much more work on than was measured. */
export interface Leave {
  /** Infinity: not at all. */
  readonly factor: number;
  /** Why it is not taken, or later; empty at factor 1. */
  readonly reason: string;
}

const no = (reason: string): Leave => ({ factor: Infinity, reason });

/** Returns what keeps `auto` from the GPU. */
export function gpuLeave(settings: HardwareSettings, readings: Readings): Leave {
  if (!settings.metal) return no('METAL_ACCELERATION is 0');
  if (!settings.autoRouting) return no('AUTO_HARDWARE_ROUTING is 0');
  const { thermal, lowPower, onBattery } = readings;
  if (settings.thermal && (thermal === 'serious' || thermal === 'critical'))
    return no(`the system reports ${thermal} thermal pressure (THERMAL_MANAGEMENT)`);
  if (settings.power && lowPower) return no('the system is in its low power mode (POWER_OPTIMIZATION)');
  let factor = PRIORITY_FACTOR[settings.metalPriority];
  const why = settings.metalPriority === 'NORMAL' ? [] : [`METAL_GPU_PRIORITY is ${settings.metalPriority}`];
  if (settings.thermal && thermal === 'fair') {
    factor *= FAIR_FACTOR;
    why.push('the system is warm (THERMAL_MANAGEMENT)');
  }
  if (settings.power && onBattery) {
    factor *= BATTERY_FACTOR;
    why.push('it runs on battery (POWER_OPTIMIZATION)');
  }
  return { factor, reason: why.join(', ') };
}

/** Returns what keeps `auto` from the Neural Engine. */
export function neuralLeave(settings: HardwareSettings): Leave {
  if (!settings.neuralEngine) return no('NEURAL_ENGINE_ENABLED is 0');
  if (!settings.autoRouting) return no('AUTO_HARDWARE_ROUTING is 0');
  if (settings.forceNeuralEngine) return { factor: 0, reason: 'COREML_FORCE_NEURAL_ENGINE is 1' };
  const { neuralEnginePriority: priority } = settings;
  const reason = priority === 'NORMAL' ? '' : `NEURAL_ENGINE_PRIORITY is ${priority}`;
  return { factor: PRIORITY_FACTOR[priority], reason };
}

/** Whether the state of the machine asks for the accelerator that takes less power. */
export function sparesPower(settings: HardwareSettings, { thermal, onBattery, lowPower }: Readings): boolean {
  const hot = thermal === 'fair' || thermal === 'serious' || thermal === 'critical';
  return (settings.thermal && hot) || (settings.power && (onBattery === true || lowPower === true));
}
