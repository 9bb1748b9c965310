// Settings of serving as they are written in the environment.
import { describe, expect, test } from 'bun:test';
import { loadConfig } from './config.ts';
import { bytesOf } from './serving-settings.ts';

describe('a size with its unit', () => {
  test.each([
    ['1GB', 1e9],
    ['512 MiB', 512 * 2 ** 20],
    ['1.5gib', 1.5 * 2 ** 30],
    ['64KB', 64_000],
  ])('%s is %d bytes', (size, bytes) => expect(bytesOf(size)).toBe(bytes));

  test.each(['1', 'GB', '-1GB', '1 GB free', '1e3MB', ''])('%p is none', (size) =>
    expect(bytesOf(size)).toBeNaN(),
  );
});

test('defaults are the published ones', () => {
  expect(loadConfig({}).serving).toMatchObject({ cacheBytes: 1e9, maxBatchRows: 1000, delayUs: 0 });
});

test.each([
  ['MODEL_CACHE_SIZE', '1'],
  ['MODEL_CACHE_SIZE', '999KB'],
  ['MODEL_CACHE_SIZE', '2TB'],
  ['NAUTILUS_ARTEFACTS_MAX', '20'],
  ['NAUTILUS_DATASETS_MAX', '1001TB'],
  ['MAX_BATCH_SIZE', '0'],
  ['MAX_BATCH_SIZE', '100001'],
  ['NAUTILUS_PREDICT_PROCESSES', '65'],
  ['NAUTILUS_PREDICT_DELAY_US', '-1'],
  ['NAUTILUS_PREDICT_QUEUE', '0'],
  ['NAUTILUS_PREDICT_MEMORY_MB', '255'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name);
});
