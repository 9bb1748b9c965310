// The published message of the engine, on the bus and from what no test machine has.
import { expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../src/bus/topics.ts';
import type { Utilization } from '../../src/hardware/index.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition from './index.ts';
import { engineMetrics } from './metrics-message.ts';

test('ml_engine.metrics has the published members, the same system figures as the routes, and reasons', async () => {
  const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../models'), MONITORING_INTERVAL: '1' };
  const engine = await TestEngine.start(definition, env);
  try {
    const told = () => engine.messages(topics.mlEngineMetrics).map((e) => e.body);
    await eventually(async () => {
      await engine.get('/ready');
      return told().some(({ system }) => (system.throughput_rps ?? 0) > 0 && system.availability !== null);
    }, 'a message with figures');
    const busy = told().find(({ system }) => (system.throughput_rps ?? 0) > 0)!;
    expect(Object.keys(busy)).toEqual(['neural_engine', 'metal_gpu', 'system']);
    expect(busy.system.error_rate).toBe(0);
    expect(busy.system.response_time_ms).toBeGreaterThan(0);
    for (const part of Object.values(busy) as Record<string, unknown>[]) {
      const absent = Object.keys(part).filter((name) => part[name] === null);
      expect(Object.keys(part.reasons as object).sort()).toEqual(absent.sort());
    }
    // On the bus it is what the routes say at the same look.
    const said = engine.messages(topics.mlHardwareMetrics).map((e) => e.body.system);
    for (const { system } of told()) {
      const { reasons: _, ...figures } = system;
      expect(said).toContainEqual(expect.objectContaining(figures));
    }
    const { body } = await engine.get('/system/status');
    expect(Object.keys(body.system)).toEqual(Object.keys(said[0]!));
    expect((await engine.get('/hardware/utilization')).body.system.window_s).toBeGreaterThan(0);
    expect((await engine.get('/metrics')).body).toMatch(
      /^nautilus_service_requests_per_second\{engine="ml"\} /m,
    );
  } finally {
    await engine.stop();
  }
});

test('what a system tells of its accelerators comes under the published names', () => {
  const neural = {
    present: true,
    utilization: 72,
    temperature_c: 45,
    power_w: null,
    reasons: { power_w: 'not told' },
  };
  const gpu = { utilization: 85, memory_usage_bytes: 8.2e9, temperature_c: 52, reasons: {} };
  const { neural_engine, metal_gpu, system } = engineMetrics({
    neural_engine: neural,
    gpu,
  } as unknown as Utilization);
  expect(neural_engine).toEqual({
    utilization: 72,
    temperature: 45,
    power_usage: null,
    tops_performance: null,
    reasons: { power_usage: 'not told', tops_performance: 'no system tells it' },
  });
  expect(metal_gpu).toMatchObject({ utilization: 85, memory_usage: 8.2e9, bandwidth: null, temperature: 52 });
  expect(system.availability).toBeNull();
});
