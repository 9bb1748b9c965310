// A whole fit of boosted trees beside LightGBM's: the same rows, rounds, leaves and threads, and how good both are on later rows. A
// regression means longer training jobs, or trees that are quick because they are worse.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradientBoosting } from '../../src/learning/trees/index.ts';
import { classificationScorer } from '../../src/learning/validation/metrics/classification.ts';
import { regressionScorer } from '../../src/learning/validation/metrics/regression.ts';
import { scoreOnce } from '../../src/learning/validation/metrics/scorer.ts';
import { predictTrees, setThreads } from '../../src/native/index.ts';
import { formatNs, pairRow } from '../pairs.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { type TreeSet, type TreeSetRows, treeSets } from './tree-sets.ts';

const threads = setThreads(cpus().length);
const rounds = 100;
const leaves = 31;
const options = gradientBoosting.options.parse({ rounds, max_leaves: leaves });
const rivals = await Rivals.start(threads);
const rival = rivals?.versions.LightGBM;
const folder = mkdtempSync(join(tmpdir(), 'trees-bench-'));

const fit = ({ objective, columns, training }: TreeSet) =>
  objective === 'binary'
    ? gradientBoosting.fit('classification', { ...training, columns, classes: 2 }, options, {
        seed: 1,
        threads,
      })
    : gradientBoosting.fit('regression', { ...training, columns }, options, { seed: 1, threads });

/** R2 or the area under the ROC curve of the test rows. */
async function scoreOf(set: TreeSet): Promise<number> {
  const { trees } = await fit(set);
  if (!trees) throw new Error('no trees');
  const { inputs, targets, rows } = set.test;
  const sums = await predictTrees(trees, inputs, threads);
  if (set.objective === 'binary') {
    const probabilities = Float64Array.from({ length: 2 * rows }, (_, at) => {
      const odds = 1 / (1 + Math.exp(-sums[at >> 1]!));
      return at % 2 === 1 ? odds : 1 - odds;
    });
    return scoreOnce(classificationScorer({ probabilities, labels: targets, classes: 2 })).auc!;
  }
  return scoreOnce(regressionScorer({ forecasts: Float64Array.from(sums), targets })).r2;
}

/** Writes a set as `tree_set` of bench/rivals/rival.py reads it. */
async function fileOf(set: TreeSet, at: number): Promise<string> {
  const file = join(folder, `${at}.bin`);
  const { training, test, columns, objective } = set;
  const arrays = ({ inputs, targets }: TreeSetRows) => [inputs, targets];
  const head = new Int32Array([training.rows, test.rows, columns, objective === 'binary' ? 1 : 0]);
  await Bun.write(file, new Blob([head, ...arrays(training), ...arrays(test)] as Int32Array<ArrayBuffer>[]));
  return file;
}

const table: string[][] = [];
for (const [at, set] of treeSets().entries()) {
  const name = `${set.name}, ${set.training.rows} x ${set.columns}`;
  const own = (await scoreOf(set)).toFixed(4);
  if (!rivals || !rival) {
    const start = Bun.nanoseconds();
    await fit(set);
    table.push([name, formatNs(Bun.nanoseconds() - start), '', '', own, '']);
    continue;
  }
  const file = await fileOf(set, at);
  const asked = (layout: 'row' | 'col') => ({ file, rounds, leaves, threads, layout });
  // LightGBM knows two ways to go through its rows; the one that is quicker here counts.
  const row = await rivals.run('boosted_trees', asked('row'));
  const col = await rivals.run('boosted_trees', asked('col'));
  const quicker = asked(row.ns < col.ns ? 'row' : 'col');
  const { value: theirs } = await rivals.run('boosted_trees_score', quicker);
  const times = await pairRow({ name, a: () => fit(set), b: rivals.side('boosted_trees', quicker) });
  table.push([...times, own, theirs!.toFixed(4)]);
}
rivals?.stop();
rmSync(folder, { recursive: true });
const against = rival ? `LightGBM ${rival} with the same ${threads} threads` : RIVALS_HINT;
publish({
  title: 'Trees',
  note: `${rounds} rounds of ${leaves} leaves: bins, rounds and, of ours, the ONNX graph; ${against}. Scores are R2, of classes the area under the ROC curve, of the last quarter of the rows. Reach: a ratio of at least 1, and scores at most 0.002 below.`,
  columns: ['fit', 'ours', 'LightGBM', 'LightGBM / ours', 'our score', "LightGBM's"],
  rows: table,
});
