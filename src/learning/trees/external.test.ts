// XGBoost and LightGBM themselves: what the graph gives is near our own trees, or the error says how to install them.
import { dlopen } from 'bun:ffi';
import { describe, expect, test } from 'bun:test';
import { BackendUnavailableError, InvalidOptionError } from '../../core/errors.ts';
import { CancelledError } from '../../native/index.ts';
import { lightgbm, type TreeFamily, xgboost } from './index.ts';
import type { BoostingOptions } from './options.ts';
import { control, runGraph, treeData } from './test-data.ts';

// Threads of OpenMP spin while they wait, which takes long on a busy machine.
const ALONE = { ...control, threads: 1 };

const LIBRARIES = {
  xgboost: {
    family: xgboost,
    variable: 'NAUTILUS_XGBOOST',
    name: 'libxgboost.so.0',
    probe: 'XGBGetLastError',
  },
  lightgbm: {
    family: lightgbm,
    variable: 'NAUTILUS_LIGHTGBM',
    name: 'lib_lightgbm.so',
    probe: 'LGBM_GetLastError',
  },
} as const;

function isThere(name: string, probe: string): boolean {
  try {
    dlopen(name, { [probe]: { args: [], returns: 'ptr' } }).close();
    return true;
  } catch {
    return false;
  }
}

const fit = (
  family: TreeFamily<BoostingOptions>,
  data: ReturnType<typeof treeData>,
  options: object,
  with_ = ALONE,
) => family.fit(data.classes ? 'classification' : 'regression', data, family.options.parse(options), with_);

describe.each(['xgboost', 'lightgbm'] as const)('engine %s', (engine) => {
  const { family, variable, name, probe } = LIBRARIES[engine];
  const data = treeData({ rows: 600, columns: 4, gaps: 0.1 }, 5);

  test('says how to install it where it is not', async () => {
    const before = process.env[variable];
    process.env[variable] = '/nowhere/library.so';
    try {
      await expect(fit(family, data, { engine })).rejects.toThrow(BackendUnavailableError);
      await expect(fit(family, data, { engine })).rejects.toThrow(/install/);
    } finally {
      if (before === undefined) delete process.env[variable];
      else process.env[variable] = before;
    }
  });

  test('refuses what it does not have, by name', async () => {
    await expect(fit(family, data, { engine, growth: 'oblivious' })).rejects.toThrow(InvalidOptionError);
    await expect(fit(family, data, { engine, growth: 'oblivious' })).rejects.toThrow(/growth/);
  });

  // `apt install libxgboost-dev`; LightGBM by its variable.
  describe.skipIf(!isThere(process.env[variable] || name, probe))(`with ${name}`, () => {
    test.each([undefined, 2, 3])('gives what our own trees nearly give, of %s classes', async (classes) => {
      const rows = treeData({ rows: 600, columns: 4, gaps: 0.1, ...(classes ? { classes } : {}) }, 5);
      const options = { rounds: 30, learning_rate: 0.1 };
      const theirs = await fit(family, rows, { ...options, engine });
      const ours = await fit(family, rows, options);
      const [a, b] = await Promise.all(
        [theirs, ours].map(({ model }) => runGraph(model, rows.inputs, rows.rows)),
      );
      expect(theirs.facts.trees).toBe(30 * (classes === 3 ? 3 : 1));
      expect(theirs.importance.reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 5);
      // Bins are cut elsewhere, so that some rows end in other leaves; XGBoost's steps of softmax are shorter.
      const spread = classes ? 1 : Math.max(...rows.targets) - Math.min(...rows.targets);
      const distance = a!.reduce((sum, value, i) => sum + Math.abs(value - b![i]!), 0) / a!.length;
      expect(distance).toBeLessThan(spread * 0.05);
    });

    test('stops early and when it is cancelled', async () => {
      const noise = treeData({ rows: 300, columns: 4 }, 9);
      const validation = { ...noise, targets: noise.targets.toReversed() };
      const early = await fit(family, { ...data, validation } as typeof data, {
        engine,
        rounds: 400,
        patience: 5,
      });
      expect(early.facts.stopped_early).toBe(true);
      const signal = AbortSignal.abort();
      await expect(fit(family, data, { engine }, { ...control, signal })).rejects.toThrow(CancelledError);
    });
  });
});
