// The cache of open models.
import { afterAll, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ModelCache } from './model-cache.ts';
import { committed } from './test-features.ts';

const models = mkdtempSync(join(tmpdir(), 'models-'));
afterAll(() => rmSync(models, { recursive: true }));
const source = resolve(import.meta.dir, '../../models', committed.card.model_id);
for (const id of ['a', 'b', 'c']) {
  cpSync(source, join(models, id), { recursive: true });
  writeFileSync(join(models, id, 'model.json'), JSON.stringify({ ...committed.card, model_id: id }));
}
const row = new Float32Array(committed.card.inputs.length);

test('shares one load between callers at the same time', async () => {
  const cache = new ModelCache(models);
  const [first, second] = await Promise.all([cache.get('a'), cache.get('a')]);
  expect(first).toBe(second);
  expect(cache.size).toBe(1);
  await cache.close();
});

test('closes the model that was not used for longest, never a pinned one', async () => {
  const cache = new ModelCache(models, undefined, 2);
  const a = await cache.get('a');
  cache.pin('a');
  const b = await cache.get('b');
  await cache.get('c');
  expect([cache.has('a'), cache.has('b'), cache.has('c')]).toEqual([true, false, true]);
  expect(await a.session.predict(row, 1)).toHaveLength(1);
  await expect(b.session.predict(row, 1)).rejects.toThrow('was closed');
  expect(await cache.get('b')).not.toBe(b);
  await cache.close();
});

test('forgets a load that failed', async () => {
  const cache = new ModelCache(models);
  await expect(cache.get('unknown')).rejects.toThrow('registered model');
  expect(cache.size).toBe(0);
  await cache.close();
});

test('lets running predictions end before it closes', async () => {
  const cache = new ModelCache(models);
  const { session } = await cache.get('a');
  const running = session.predict(row, 1);
  await cache.close();
  expect(await running).toHaveLength(1);
});
