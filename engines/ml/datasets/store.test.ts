// The folder of tables, alone: what comes at the same moment, and what is in the way.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { DatasetStore } from './store.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'datasets-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

async function* csv(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('ts,x\n1600000000,1\n1600000001,2\n');
}
const read = () => readFrameCsv(csv(), { maxBytes: 1e6, maxCells: 1e5 });

test('equal tables that come at the same moment are stored once, under one name', async () => {
  // Two engines on one folder, and twice the same engine.
  const stores = [new DatasetStore(dataDir, false), new DatasetStore(dataDir, false)];
  const file = await read();
  for (let round = 0; round < 20; round++) {
    const cards = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name, i) => stores[i % 2]!.save(file, name, i + 1)),
    );
    for (const card of cards) expect(card).toEqual(cards[0]!);
    expect(await stores[0]!.list()).toEqual([cards[0]!]);
    expect(readdirSync(join(dataDir, 'datasets'))).toEqual([cards[0]!.dataset_id]);
    await stores[0]!.remove(cards[0]!.dataset_id);
  }
});

test('a damaged table is replaced by the same one', async () => {
  const store = new DatasetStore(dataDir, false);
  const { dataset_id } = await store.save(await read(), 'first', 1);
  await Bun.write(join(dataDir, 'datasets', dataset_id, 'dataset.json'), '{');
  await expect(store.get(dataset_id)).rejects.toMatchObject({ slug: expect.stringContaining('integrity') });
  expect(await store.save(await read(), 'second', 2)).toMatchObject({ dataset_id, name: 'second' });
  expect((await store.open(dataset_id)).frame.rows).toBe(2);
});
