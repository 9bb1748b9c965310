import { describe, expect, test } from 'bun:test';
import { loadConfig } from './config.ts';
import { InvalidOptionError } from './errors.ts';

describe('the switches of hardware routing', () => {
  test('are on unless they are set, but for what was never measured', () => {
    expect(loadConfig({}).hardware).toEqual({
      metal: true,
      neuralEngine: true,
      forceNeuralEngine: false,
      autoRouting: true,
      metalPriority: 'NORMAL',
      neuralEnginePriority: 'NORMAL',
      m4Max: false,
      thermal: true,
      power: true,
    });
  });

  test('are read as they were published, and as true or false', () => {
    const published = {
      M4_MAX_OPTIMIZED: '1',
      NEURAL_ENGINE_ENABLED: '1',
      COREML_FORCE_NEURAL_ENGINE: '1',
      METAL_ACCELERATION: '1',
      NEURAL_ENGINE_PRIORITY: 'HIGH',
      METAL_GPU_PRIORITY: 'HIGH',
      AUTO_HARDWARE_ROUTING: '1',
      THERMAL_MANAGEMENT: '1',
      POWER_OPTIMIZATION: '1',
      // The rest of the published block that is read here.
      LOG_LEVEL: 'INFO',
      METRICS_ENABLED: '1',
      MONITORING_INTERVAL: '1',
      HARDWARE_MONITORING: '1',
    };
    expect(loadConfig(published)).toMatchObject({ logLevel: 'info', metricsEnabled: true });
    expect(loadConfig({ METRICS_ENABLED: '0' }).metricsEnabled).toBe(false);
    expect(loadConfig(published).hardware).toEqual({
      metal: true,
      neuralEngine: true,
      forceNeuralEngine: true,
      autoRouting: true,
      metalPriority: 'HIGH',
      neuralEnginePriority: 'HIGH',
      m4Max: true,
      thermal: true,
      power: true,
    });
    const off = loadConfig({
      METAL_ACCELERATION: 'false',
      NEURAL_ENGINE_ENABLED: '0',
      AUTO_HARDWARE_ROUTING: '0',
      THERMAL_MANAGEMENT: 'false',
      POWER_OPTIMIZATION: '0',
      METAL_GPU_PRIORITY: 'LOW',
    }).hardware;
    expect(off).toMatchObject({
      metal: false,
      neuralEngine: false,
      autoRouting: false,
      metalPriority: 'LOW',
    });
    expect([off.thermal, off.power]).toEqual([false, false]);
  });

  test.each([
    ['METAL_ACCELERATION', 'yes'],
    ['NEURAL_ENGINE_ENABLED', '2'],
    ['COREML_FORCE_NEURAL_ENGINE', 'yes'],
    ['AUTO_HARDWARE_ROUTING', 'on'],
    ['METAL_GPU_PRIORITY', 'high'],
    ['NEURAL_ENGINE_PRIORITY', '1'],
    ['M4_MAX_OPTIMIZED', 'M4'],
    ['THERMAL_MANAGEMENT', '-1'],
    ['POWER_OPTIMIZATION', 'TRUE'],
  ])('%s=%s stops the start and is named', (name, value) => {
    expect(() => loadConfig({ [name]: value })).toThrow(InvalidOptionError);
    expect(() => loadConfig({ [name]: value })).toThrow(name);
  });
});
