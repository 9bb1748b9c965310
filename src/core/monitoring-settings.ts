// How often the machine is looked at, as an operator sets it.
import { z } from 'zod';

/** How often an engine looks at the machine. */
export interface MonitoringSettings {
  /** False: an engine looks only when somebody asks it, and publishes nothing. */
  readonly on: boolean;
  /** Seconds between two looks. */
  readonly intervalS: number;
}

/** The variables of monitoring, for the schema of the environment. */
export const MONITORING_VARIABLES = {
  /** `0` looks at the machine only when it is asked to: no `hardware.metrics`, no gauges. */
  HARDWARE_MONITORING: z.enum(['0', '1', 'false', 'true']).default('1'),
  /** Seconds between two looks at the machine; 1..3600. */
  MONITORING_INTERVAL: z.coerce.number().int().min(1).max(3600).default(5),
};

type Variables = z.infer<z.ZodObject<typeof MONITORING_VARIABLES>>;

/** Returns the settings of checked variables. */
export function monitoringSettings(env: Variables): MonitoringSettings {
  return {
    on: env.HARDWARE_MONITORING === '1' || env.HARDWARE_MONITORING === 'true',
    intervalS: env.MONITORING_INTERVAL,
  };
}
