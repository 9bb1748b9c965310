// Every environment variable that the ML engine was published with: what it does here, or why it does nothing.
import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Config, loadConfig } from './config.ts';

interface Published {
  /** As it was published. */
  readonly value: string;
  /** Another value, and what both make of the configuration; absent where the program does not read it. */
  readonly other?: string;
  readonly effect?: (config: Config) => unknown;
  readonly expected?: readonly [unknown, unknown];
}

const flag = (effect: Published['effect']): Published => ({
  value: '1',
  other: '0',
  effect: effect!,
  expected: [true, false],
});

const PUBLISHED: Readonly<Record<string, Published>> = {
  M4_MAX_OPTIMIZED: flag(({ hardware }) => hardware.m4Max),
  NEURAL_ENGINE_ENABLED: flag(({ hardware }) => hardware.neuralEngine),
  METAL_ACCELERATION: flag(({ hardware }) => hardware.metal),
  COREML_FORCE_NEURAL_ENGINE: flag(({ hardware }) => hardware.forceNeuralEngine),
  AUTO_HARDWARE_ROUTING: flag(({ hardware }) => hardware.autoRouting),
  THERMAL_MANAGEMENT: flag(({ hardware }) => hardware.thermal),
  POWER_OPTIMIZATION: flag(({ hardware }) => hardware.power),
  HARDWARE_MONITORING: flag(({ monitoring }) => monitoring.on),
  METRICS_ENABLED: flag(({ metricsEnabled }) => metricsEnabled),
  NEURAL_ENGINE_PRIORITY: {
    value: 'HIGH',
    other: 'LOW',
    effect: ({ hardware }) => hardware.neuralEnginePriority,
    expected: ['HIGH', 'LOW'],
  },
  METAL_GPU_PRIORITY: {
    value: 'HIGH',
    other: 'LOW',
    effect: ({ hardware }) => hardware.metalPriority,
    expected: ['HIGH', 'LOW'],
  },
  ML_ENGINE_PORT: {
    value: '8400',
    other: '18400',
    effect: ({ serving }) => serving.port,
    expected: [8400, 18_400],
  },
  LOG_LEVEL: { value: 'INFO', other: 'WARN', effect: ({ logLevel }) => logLevel, expected: ['info', 'warn'] },
  MONITORING_INTERVAL: {
    value: '1',
    other: '60',
    effect: ({ monitoring }) => monitoring.intervalS,
    expected: [1, 60],
  },
  MODEL_CACHE_SIZE: {
    value: '1GB',
    other: '512MiB',
    effect: ({ serving }) => serving.cacheBytes,
    expected: [1e9, 512 * 2 ** 20],
  },
  MAX_BATCH_SIZE: {
    value: '1000',
    other: '10',
    effect: ({ serving }) => serving.maxBatchRows,
    expected: [1000, 10],
  },
  DEFAULT_TIMEOUT: {
    value: '30',
    other: '250',
    effect: ({ defaultTimeoutMs }) => defaultTimeoutMs,
    expected: [30_000, 250],
  },
  PYTORCH_ENABLE_MPS_FALLBACK: { value: '1' },
  METAL_DEVICE_WRAPPER_TYPE: { value: '1' },
  MPS_DEVICE_WRAPPER_TYPE: { value: '1' },
};

const docs = readFileSync(resolve(import.meta.dir, '../../docs/configuration.md'), 'utf8');
const seed = resolve(import.meta.dir, '../../../shared/seeds/004_6e7f095acbf4160e.txt');

describe('a published variable', () => {
  test.each(Object.entries(PUBLISHED))(
    '%s changes what it says, or has its reason in the docs',
    (name, one) => {
      const row = docs.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``));
      expect(row).toBeDefined();
      if (!one.effect) {
        expect(JSON.stringify(loadConfig({ [name]: one.value }))).toBe(JSON.stringify(loadConfig({})));
        return;
      }
      const made = [one.value, one.other].map((value) => one.effect!(loadConfig({ [name]: value })));
      expect(made).toEqual([...one.expected!]);
    },
  );

  test('starts an engine together with all others, with the published values', () => {
    const all = Object.fromEntries(Object.entries(PUBLISHED).map(([name, { value }]) => [name, value]));
    const config = loadConfig(all);
    for (const { effect, expected } of Object.values(PUBLISHED))
      if (effect) expect(effect(config)).toEqual(expected![0]);
  });

  test.skipIf(!existsSync(seed))('is in this table, whichever was published', () => {
    const text = readFileSync(seed, 'utf8');
    const found = [...text.matchAll(/^(?:ENV |\s*-e )?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=(\S+)/gm)];
    const published = Object.fromEntries(found.map(([, name, value]) => [name!, value!]));
    expect(Object.keys(published).sort()).toEqual(Object.keys(PUBLISHED).sort());
    for (const [name, value] of Object.entries(published))
      expect([name, PUBLISHED[name]!.value]).toEqual([name, value]);
  });
});
