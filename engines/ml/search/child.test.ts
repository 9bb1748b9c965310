// The process of trials itself: what it was told before it could read its table is not forgotten.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation } from '../../../src/learning/search/types.ts';
import { readFrameCsv } from '../../../src/learning/tables/read-csv.ts';
import { DatasetStore } from '../datasets/store.ts';
import { TrialPool } from './pool.ts';
import { searchRow } from './test-run.ts';
import { searchTable } from './test-table.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'trials-'));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe('a process of trials', () => {
  test('that could not read its table at first ends trials by all that it was told', async () => {
    async function* text() {
      yield new TextEncoder().encode(searchTable(300));
    }
    const file = await readFrameCsv(text(), { maxBytes: 1e6, maxCells: 1e5 });
    const elsewhere = join(dataDir, 'elsewhere');
    const { dataset_id } = await new DatasetStore(elsewhere, false).save(file, 'table', 1);
    const { settings } = searchRow({
      ...{ dataset_id, members: [{ family: 'gradient_boosting', options: { max_leaves: 4 } }] },
      groups: [{ name: 'features', features: [{ kind: 'value', column: 'signal', lag: 0 }] }],
      pruner: { kind: 'median', startup_trials: 1 },
    });
    // No trial is as good as this one was.
    const known: Observation = {
      ...{ number: 0, point: {}, state: 'complete', loss: -1 },
      reports: [{ step: 1, value: -1e9 }],
    };
    const pool = new TrialPool({ size: 1 });
    const run = (number: number) =>
      pool.trial(
        'search',
        { type: 'open', dataDir, threads: 1, settings },
        { type: 'trial', number, point: {}, history: async (from) => [known].slice(from) },
        { signal: new AbortController().signal, timeoutMs: 600_000 },
      );
    try {
      await expect(run(4)).rejects.toMatchObject({ slug: 'not-found' });
      await new DatasetStore(dataDir, false).save(file, 'table', 1);
      expect(await run(5)).toMatchObject({ state: 'pruned', reports: [{ step: 1 }] });
    } finally {
      pool.stop();
    }
  });
});
