// GET /hardware/routing: what decides where work runs, and what it decides now.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { ACCELERATOR_OF, PARTS, type Route } from '../hardware/routing.ts';
import { type HardwareRouting, workOf } from './hardware-routing.ts';

const accelerator = z.enum(['neural_engine', 'metal_gpu', 'cpu']);
const priority = z.enum(['HIGH', 'NORMAL', 'LOW']);
const route = z.object({
  primary: accelerator,
  fallback: z.array(accelerator).describe('who follows when the primary is taken out, in order'),
  reason: z.string(),
});

/** The reply of `GET /hardware/routing`. */
export const routingReply = z.object({
  engine: z.string(),
  switches: z
    .object({
      METAL_ACCELERATION: z.boolean(),
      NEURAL_ENGINE_ENABLED: z.boolean(),
      COREML_FORCE_NEURAL_ENGINE: z.boolean(),
      AUTO_HARDWARE_ROUTING: z.boolean(),
      METAL_GPU_PRIORITY: priority,
      NEURAL_ENGINE_PRIORITY: priority,
      M4_MAX_OPTIMIZED: z.boolean(),
      THERMAL_MANAGEMENT: z.boolean(),
      POWER_OPTIMIZATION: z.boolean(),
    })
    .describe('the environment variables of these names'),
  machine: z
    .object({
      thermal: z.enum(['nominal', 'fair', 'serious', 'critical']).nullable(),
      on_battery: z.boolean().nullable(),
      low_power: z.boolean().nullable(),
    })
    .describe('state of the machine; null where the system does not tell, or nothing depends on it'),
  accelerators: z.array(
    z.object({
      accelerator: z.enum(['neural_engine', 'metal_gpu']),
      work: z.enum(['kernels', 'models']).describe('what runs on it; failures are counted for each'),
      available: z.boolean().describe('there, and not taken out'),
      reason: z.string().nullable().describe('why it is not there, or its last failure'),
      state: z.enum(['closed', 'open', 'half_open']).nullable().describe('null where it is not there'),
      failures: z.int().describe('in a row'),
      opened: z.int().describe('times that it was taken out since the start'),
      retry_in_ms: z.int().describe('until the next try; 0 unless it is taken out'),
    }),
  ),
  calibration: z.object({
    state: z
      .enum(['loaded', 'expected', 'absent', 'refused', 'not_needed'])
      .describe('where the sizes are from; expected: arithmetic for an M4 Max'),
    measured_at: z.string().nullable(),
    reason: z.string().nullable(),
  }),
  models: z
    .object({ realtime: route, batch: route })
    .describe('where a large model runs, when somebody waits for one prediction and in batches'),
  rows: z.array(
    z.object({
      id: z.string().describe('kernel or indicator'),
      metal: z.boolean().describe('whether this device has a Metal kernel for it'),
      measured_from: z
        .number()
        .describe(
          'measured size from which Metal wins: operations of a kernel, values that an indicator writes; 0: none is known',
        ),
      metal_from: z.number().describe('size from which auto takes Metal now; 0: never'),
      reason: z.string().describe('of the largest calls'),
    }),
  ),
});

// Larger than any size from which an accelerator is taken.
const LARGEST = Number.MAX_SAFE_INTEGER;

function view(engine: string, hardware: HardwareRouting): z.infer<typeof routingReply> {
  const { router, calibration, presence } = hardware;
  const { settings, readings, crossovers } = router.state;
  const health = hardware.health();
  const model = (latency: 'realtime' | 'batch') =>
    copy(router.route({ kind: 'inference', modelBytes: LARGEST, latency }));
  return {
    engine,
    switches: {
      METAL_ACCELERATION: settings.metal,
      NEURAL_ENGINE_ENABLED: settings.neuralEngine,
      COREML_FORCE_NEURAL_ENGINE: settings.forceNeuralEngine,
      AUTO_HARDWARE_ROUTING: settings.autoRouting,
      METAL_GPU_PRIORITY: settings.metalPriority,
      NEURAL_ENGINE_PRIORITY: settings.neuralEnginePriority,
      M4_MAX_OPTIMIZED: settings.m4Max,
      THERMAL_MANAGEMENT: settings.thermal,
      POWER_OPTIMIZATION: settings.power,
    },
    machine: { thermal: readings.thermal, on_battery: readings.onBattery, low_power: readings.lowPower },
    accelerators: PARTS.map((part) => {
      const { state, failures, opened, retryInMs, lastError } = health[part];
      const absent = presence[part];
      return {
        accelerator: ACCELERATOR_OF[part],
        work: workOf(part),
        available: absent === null && state === 'closed',
        reason: absent ?? (lastError || null),
        state: absent === null ? state : null,
        failures,
        opened,
        retry_in_ms: Math.round(retryInMs),
      };
    }),
    calibration: {
      state: calibration.state,
      measured_at: 'measured_at' in calibration ? calibration.measured_at : null,
      reason: 'reason' in calibration ? calibration.reason : null,
    },
    models: { realtime: model('realtime'), batch: model('batch') },
    rows: hardware.rows.map(({ id, metal }) => ({
      id,
      metal,
      measured_from: crossovers.get(id) ?? 0,
      metal_from: router.metalFrom(id),
      reason: router.route({ kind: 'kernel', id, elements: LARGEST, dtype: 'f32' }).reason,
    })),
  };
}

const copy = ({ primary, fallback, reason }: Route) => ({ primary, fallback: [...fallback], reason });

/** Returns the route that every engine has. */
export function routingRoutes(engine: string, hardware: HardwareRouting) {
  return new Elysia({ name: `${engine}-hardware-routing` }).get(
    '/hardware/routing',
    () => view(engine, hardware),
    {
      response: { 200: routingReply },
      detail: {
        summary: 'Where work runs: switches, health of the accelerators, sizes from which Metal is taken',
        tags: ['hardware'],
      },
    },
  );
}
