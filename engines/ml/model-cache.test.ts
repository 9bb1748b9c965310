// The cache of open models.
import { afterAll, expect, test } from 'bun:test';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ModelCache } from './model-cache.ts';
import { fileModels } from './model-source.ts';
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
  const cache = new ModelCache(fileModels(models));
  const [first, second] = await Promise.all([cache.get('a'), cache.get('a')]);
  expect(first).toBe(second);
  expect(cache.size).toBe(1);
  await cache.close();
});

test('closes the model that was not used for longest, never a pinned one', async () => {
  const cache = new ModelCache(fileModels(models), undefined, 2);
  const a = await cache.get('a');
  cache.pin('a');
  const b = await cache.get('b');
  await cache.get('c');
  expect(['a', 'b', 'c'].map((id) => cache.has(`${id}@1.0.0`))).toEqual([true, false, true]);
  expect(await a.session.predict(row, 1)).toHaveLength(1);
  await expect(b.session.predict(row, 1)).rejects.toThrow('was closed');
  expect(await cache.get('b')).not.toBe(b);
  await cache.close();
});

test('forgets a load that failed', async () => {
  const cache = new ModelCache(fileModels(models));
  await expect(cache.get('unknown')).rejects.toThrow('registered model');
  expect(cache.size).toBe(0);
  await cache.close();
});

test('lets running predictions end before it closes', async () => {
  const cache = new ModelCache(fileModels(models));
  const { session } = await cache.get('a');
  const running = session.predict(row, 1);
  await cache.close();
  expect(await running).toHaveLength(1);
});

test('looks a reference up again once its model was forgotten, and keeps what runs', async () => {
  const files = fileModels(models);
  let leadsTo = 'a';
  let lookups = 0;
  const cache = new ModelCache({
    find: (reference) => {
      lookups++;
      return files.find(reference === 'c' ? leadsTo : reference);
    },
  });
  const before = await cache.get('c');
  expect([before.card.model_id, (await cache.get('c')).card.model_id, lookups]).toEqual(['a', 'a', 1]);
  leadsTo = 'b';
  cache.forget('c');
  expect((await cache.get('c')).card.model_id).toBe('b');
  expect(await before.session.predict(row, 1)).toHaveLength(1);
  await cache.close();
});

test('does not remember what was looked up before a change', async () => {
  const files = fileModels(models);
  const late = Promise.withResolvers<string>();
  let asked = 0;
  const cache = new ModelCache({
    find: async (reference) => files.find(++asked === 1 ? await late.promise : reference),
  });
  const first = cache.get('c');
  cache.forget('c');
  late.resolve('a');
  expect((await first).card.model_id).toBe('a');
  expect((await cache.get('c')).card.model_id).toBe('c');
  await cache.close();
});

test('frees a dropped model once its predictions have ended', async () => {
  const cache = new ModelCache(fileModels(models));
  const { session } = await cache.get('b');
  await cache.get('c');
  const running = session.predict(row, 1);
  cache.drop('b');
  expect(await running).toHaveLength(1);
  expect([cache.has('b@1.0.0'), cache.has('c@1.0.0')]).toEqual([false, true]);
  await expect(session.predict(row, 1)).rejects.toThrow('was closed');
  await cache.close();
});

test('a version of a model in a folder is the one of its card', async () => {
  const files = fileModels(models);
  expect((await files.find('a@1.0.0')).key).toBe('a@1.0.0');
  await expect(files.find('a@2.0.0')).rejects.toThrow('1.0.0 only');
});
