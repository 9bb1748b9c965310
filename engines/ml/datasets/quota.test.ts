// The quota of tables, through the engine's port.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start(definition, {
    NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'),
    NAUTILUS_DATASETS_MAX: '1MB',
  });
});
afterAll(() => engine.stop());

const ROWS = 20_000;
/** A table of 400 KB as it is kept. */
const table = (seed: number) =>
  ['ts,close', ...Array.from({ length: ROWS }, (_, i) => `${1_600_000_000 + i},${seed + i}`)].join('\n');
const send = async (seed: number) => {
  const response = await fetch(`${engine.url}/datasets`, { method: 'POST', body: table(seed) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test('a table beyond the quota is refused before anything is written, and has room when another one is gone', async () => {
  const first = await send(1);
  expect([first.status, (await send(2)).status, (await send(1)).status]).toEqual([201, 201, 201]);
  const { status, body } = await send(3);
  expect([status, body.type, body.limit_bytes]).toEqual([413, '/problems/quota-exceeded', 1e6]);
  expect(body.needed_bytes).toBe(ROWS * 20);
  expect(readdirSync(join(engine.dataDir, 'datasets'))).toHaveLength(2);
  const removed = await engine.send('DELETE', `/datasets/${first.body.dataset_id}`);
  expect(removed.status).toBe(204);
  expect((await send(3)).status).toBe(201);
});
