// What the machine is doing, as `GET /hardware/utilization` and the topic `hardware.metrics` report it.
import { z } from 'zod';
import { optional, reasons } from './schema.ts';
import { serviceLevelSchema } from './service-level.ts';

const percent = z.number().min(0).max(100);
const bytes = z.number().nonnegative();
const value = z.number();

/** What the system says of its heat, in the words of macOS. */
export const THERMAL_PRESSURES = ['nominal', 'moderate', 'heavy', 'trapping', 'sleeping'] as const;

const cpuUse = z.object({
  utilization: optional(percent, 'percent of the time of all logical cores that was not idle'),
  process_cores: value.describe('cores that this process kept busy'),
  throttled: optional(percent, 'percent of the time that control groups held its threads back'),
  stalled: optional(percent, 'percent of the last 10 s in which a thread waited for a processor'),
  clusters: optional(
    z.array(z.object({ kind: z.string(), name: z.string(), utilization: percent })),
    'cores of one kind',
  ),
  cores: optional(z.array(z.object({ id: z.int(), utilization: percent })), 'each logical core'),
  reasons,
});

const memoryUse = z.object({
  total_bytes: optional(bytes, 'memory of the machine'),
  available_bytes: optional(bytes, 'what programs could get without swapping'),
  utilization: optional(percent, 'percent of the memory that is not available'),
  process_bytes: bytes.describe('resident memory of this process'),
  limit_bytes: optional(bytes, 'what control groups grant'),
  limit_used_bytes: optional(bytes, 'what counts against that and can not be dropped at once'),
  pressure: optional(z.enum(['normal', 'warning', 'critical']), "the system's own word"),
  stalled: optional(percent, 'percent of the last 10 s in which a thread waited for memory'),
  bandwidth_bytes_per_s: optional(value, 'traffic of the memory'),
  reasons,
});

const gpuUse = z.object({
  utilization: optional(percent, 'percent, by all programs; a single look of the driver, so that it jumps'),
  process_utilization: optional(percent, 'percent of the time that work of this process held the GPU'),
  memory_usage_bytes: optional(bytes, 'memory that the GPU uses'),
  memory_total_bytes: optional(bytes, 'memory of its own'),
  temperature_c: optional(value, 'degrees Celsius'),
  power_w: optional(value, 'watts'),
  reasons,
});

const neuralEngineUse = z.object({
  present: optional(z.boolean(), 'whether there is one'),
  utilization: optional(percent, 'percent'),
  temperature_c: optional(value, 'degrees Celsius'),
  power_w: optional(value, 'watts'),
  reasons,
});

const temperature = z.object({
  cpu_c: optional(value, 'degrees Celsius of the processor, the hottest where there are several'),
  thermal_pressure: optional(
    z.enum(THERMAL_PRESSURES),
    'how much the system slows down to stay cool; from heavy on it does so a lot',
  ),
  reasons,
});

const power = z.object({
  package_w: optional(value, 'watts of all processor packages'),
  dram_w: optional(value, 'watts of the memory'),
  on_battery: optional(z.boolean(), 'whether the machine runs from a battery'),
  low_power_mode: optional(z.boolean(), 'whether the user asked the system to save power'),
  reasons,
});

/** What the machine is doing. */
export const utilizationSchema = z.object({
  engine: z.string(),
  replica: z.int().nonnegative().optional().describe('which of several processes of the engine'),
  host: z.string().describe('name of the machine'),
  sampled_at_us: z.int().describe('end of the interval; microseconds since the epoch'),
  interval_ms: value.describe('milliseconds over which times were counted'),
  read_at_us: z
    .int()
    .describe(
      'when memory, GPU, temperature and power were read: on macOS by one engine for all of a machine',
    ),
  cpu: cpuUse,
  memory: memoryUse,
  gpu: gpuUse,
  neural_engine: neuralEngineUse,
  temperature,
  power,
  system: serviceLevelSchema.optional().describe('how the engine serves; one alone, unlike the machine'),
});

export type Utilization = z.infer<typeof utilizationSchema>;
export type ThermalPressure = (typeof THERMAL_PRESSURES)[number];
