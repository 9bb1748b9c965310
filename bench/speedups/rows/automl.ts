// AutoML: a search over settings of boosted trees, up to the best trial.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeRows } from '../../../src/learning/validation/data.ts';
import { boost } from '../../baseline/boosting.ts';
import { bestOf, SearchPool } from '../../learning/search-pool.ts';
import { candidateOf, fileOf, tableOf } from '../../learning/search-table.ts';
import { drawn } from '../../learning/tree-sets.ts';
import { Rivals } from '../../rivals/rivals.ts';
import { type Bench, measure, mustAgree, type RowResult } from '../measure.ts';

const FAMILY = 'gradient_boosting';
/** As base-options.ts has them. */
const ENDS = { rounds: 1000, patience: 30 };

export async function automl(bench: Bench): Promise<RowResult> {
  const [rows, columns, trials] = bench.quick ? [1000, 10, 6] : [1500, 12, 12];
  const set = drawn('binary', rows, columns);
  const table = tableOf(set);
  const [split] = table.splits;
  // With one split the tested rows are those that stop a fit.
  const [train, test] = [split!.train, split!.test].map((part) => {
    const { targets, ...taken } = takeRows(table.data, part);
    return { ...taken, targets: targets! };
  }) as [Part, Part];
  const now = async () => {
    const pool = await SearchPool.open(bench.threads, set);
    const ended = await pool.search({
      families: [FAMILY],
      sampler: 'tpe',
      pruner: 'median',
      trials,
      seed: 1,
    });
    pool.stop();
    return ended;
  };
  const found = await now();
  const tried = found.map(({ point }) => candidateOf(point).options as unknown as Settings);
  const before = () =>
    Math.min(...tried.map((one) => lossOf(test, boost(train, test, test, { ...one, ...ENDS }, 1))));
  const folder = mkdtempSync(join(tmpdir(), 'automl-row-'));
  const optuna = bench.rivals && (await Rivals.start(1, 'search_rival.py'));
  try {
    const file = await fileOf(table, join(folder, 'rows.bin'));
    const [plain, ours] = [before(), bestOf(found)[0]!.loss!];
    mustAgree('log-loss of the best trial', ours, plain, 0.1);
    const asked = { file, trials, seconds: null, threads: bench.threads, seed: 1 };
    const measurements = await measure(bench, {
      workload: `${trials} trials of boosted trees on ${rows.toLocaleString('en-US')} rows of ${columns} inputs, up to the best one`,
      now,
      before,
      rivals: [
        optuna && {
          name: `Optuna ${optuna.versions.Optuna} with LightGBM ${optuna.versions.LightGBM}`,
          side: optuna.side('search', asked),
        },
      ],
    });
    return {
      note: `Every trial stops early by the rows that it is measured on. Before: the same settings one after the other, every trial to its end, trees grown in loops over typed arrays, one thread; the best log-loss is ${plain.toFixed(4)}. Now: TPE and the median rule, ${bench.threads} processes of one thread that start within the time, ${ours.toFixed(4)}. Optuna: its TPE and median rule, as many trials at a time, and the best trial fitted again.`,
      measurements,
    };
  } finally {
    optuna?.stop();
    rmSync(folder, { recursive: true });
  }
}

type Part = Parameters<typeof boost>[0];
type Settings = Omit<Parameters<typeof boost>[3], keyof typeof ENDS>;

function lossOf({ targets }: Part, probabilities: Float64Array): number {
  let loss = 0;
  for (const [row, said] of probabilities.entries()) loss -= Math.log(targets[row]! > 0 ? said : 1 - said);
  return loss / probabilities.length;
}
