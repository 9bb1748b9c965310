// The published message `ml_engine.metrics`, from what the engine tells of its machine and of itself.
import type { BodyOf, topics } from '../../src/bus/topics.ts';
import type { Utilization } from '../../src/hardware/index.ts';

const NOT_TOLD = 'no system tells it';

/** Returns the body; what no system tells is null, with the reason. */
export function engineMetrics({
  neural_engine: neural,
  gpu,
  system,
}: Utilization): BodyOf<typeof topics.mlEngineMetrics> {
  return {
    neural_engine: {
      utilization: neural.utilization,
      temperature: neural.temperature_c,
      power_usage: neural.power_w,
      tops_performance: null,
      reasons: renamed(
        neural.reasons,
        {
          utilization: 'utilization',
          temperature_c: 'temperature',
          power_w: 'power_usage',
        },
        { tops_performance: NOT_TOLD },
      ),
    },
    metal_gpu: {
      utilization: gpu.utilization,
      memory_usage: gpu.memory_usage_bytes,
      bandwidth: null,
      temperature: gpu.temperature_c,
      reasons: renamed(
        gpu.reasons,
        {
          utilization: 'utilization',
          memory_usage_bytes: 'memory_usage',
          temperature_c: 'temperature',
        },
        { bandwidth: NOT_TOLD },
      ),
    },
    system: {
      response_time_ms: system?.response_time_ms ?? null,
      throughput_rps: system?.throughput_rps ?? null,
      error_rate: system?.error_rate ?? null,
      availability: system?.availability ?? null,
      reasons: { ...system?.reasons },
    },
  };
}

function renamed(
  reasons: Readonly<Record<string, string>>,
  names: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(names).flatMap(([ours, published]) =>
    reasons[ours] === undefined ? [] : [[published, reasons[ours]]],
  );
  return { ...Object.fromEntries(kept), ...more };
}
