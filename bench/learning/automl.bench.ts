// A whole search with its stack beside Optuna with LightGBM: the time of 100 trials, and in equal time how good the model at the end is on later rows. A
// regression means longer searches, or models that are worse for the time they take.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fitFinal, stackMembers } from '../../src/learning/search/final.ts';
import type { SearchTable } from '../../src/learning/search/table.ts';
import { classificationScorer } from '../../src/learning/validation/metrics/classification.ts';
import { regressionScorer } from '../../src/learning/validation/metrics/regression.ts';
import { scoreOnce } from '../../src/learning/validation/metrics/scorer.ts';
import { setThreads } from '../../src/native/index.ts';
import { formatNs } from '../pairs.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { bestOf, SearchPool } from './search-pool.ts';
import { candidateOf, fileOf, tableOf } from './search-table.ts';
import { drawn, type TreeSet, treeSets } from './tree-sets.ts';

const quick = process.argv.includes('--quick');
const threads = setThreads(cpus().length);
const TRIALS = quick ? 12 : 100;
const RUNS = quick ? 1 : 3;
/** Seconds of a search in equal time; the stack and its fit come on top of it, and the rival gets all of it. */
const SECONDS = quick ? 4 : 40;
const STACKED = 5;
const options = {
  families: ['gradient_boosting', 'xgboost'],
  sampler: 'tpe',
  pruner: 'median',
  seed: 1,
} as const;
const rivals = await Rivals.start(1, 'search_rival.py');
const folder = mkdtempSync(join(tmpdir(), 'automl-bench-'));

/** R2, of classes the area under the ROC curve, of the rows that were held back. */
function scoreOf(
  table: SearchTable,
  { rows, predictions }: { rows: Uint32Array; predictions: Float64Array },
): number {
  const targets = Float32Array.from(rows, (row) => table.set.data.targets![row]!);
  const { classes } = table.set.data;
  return classes === undefined
    ? scoreOnce(regressionScorer({ forecasts: predictions, targets })).r2
    : scoreOnce(classificationScorer({ probabilities: predictions, labels: targets, classes })).auc;
}

/** Stacks the best trials, fits the stack on all rows that trials saw, and tests it. */
async function finish(table: SearchTable, trials: Awaited<ReturnType<SearchPool['search']>>) {
  const control = { seed: 1, threads, ownProcess: true };
  const candidates = bestOf(trials)
    .slice(0, STACKED)
    .map(({ point }) => candidateOf(point));
  const { members } = await stackMembers(candidates, table, control);
  const { result } = await fitFinal(members, table, control);
  return { score: scoreOf(table, result.paths[0]!), members: members.length };
}

const asked = (file: string, trials: number | null, seconds: number | null) => ({
  ...{ file, trials, seconds, threads },
  seed: 1,
});
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** The time of all trials, ours and theirs in turns. */
async function timed(set: TreeSet): Promise<string[]> {
  const table = tableOf(set);
  const file = await fileOf(table, join(folder, 'timed.bin'));
  const [ours, theirs] = [[], []] as [number[], number[]];
  let ended = 0;
  for (let run = 0; run < RUNS; run++) {
    const start = Bun.nanoseconds();
    // Its processes start and get their rows within the time.
    const pool = await SearchPool.open(threads, set);
    const trials = await pool.search({ ...options, trials: TRIALS });
    pool.stop();
    ours.push(Bun.nanoseconds() - start);
    ended = trials.filter(({ state }) => state === 'pruned').length;
    if (rivals) theirs.push((await rivals.run('search', asked(file, TRIALS, null))).ns);
  }
  const name = `${TRIALS} trials of ${set.training.rows + set.test.rows} x ${set.columns}`;
  const ratio = rivals ? `${(median(theirs) / median(ours)).toFixed(2)}x` : '';
  return [name, formatNs(median(ours)), rivals ? formatNs(median(theirs)) : '', ratio, String(ended)];
}

/** The model at the end, in equal time. */
async function compared(set: TreeSet, at: number): Promise<string[]> {
  const table = tableOf(set);
  const file = await fileOf(table, join(folder, `${at}.bin`));
  const start = Bun.nanoseconds();
  const pool = await SearchPool.open(threads, set);
  const trials = await pool.search({ ...options, trials: 10_000, until: start + SECONDS * 1e9 });
  pool.stop();
  const { score, members } = await finish(table, trials);
  const seconds = (Bun.nanoseconds() - start) / 1e9;
  const row = [
    `${set.name}, ${table.data.rows} x ${set.columns}`,
    `${seconds.toFixed(0)} s`,
    `${trials.length}, ${members} stacked`,
  ];
  if (!rivals) return [...row, score.toFixed(4), '', ''];
  const { value } = await rivals.run('search', asked(file, null, seconds));
  const { value: count } = await rivals.run('trials');
  return [...row, score.toFixed(4), String(count), (value ?? Number.NaN).toFixed(4)];
}

const versions = rivals && `Optuna ${rivals.versions.Optuna} with LightGBM ${rivals.versions.LightGBM}`;
const against = versions
  ? `${versions}, as many trials at a time, the same space but for learning rates, which begin at 0.02 instead of 0.05, and early stopping, its median rule after equal rounds`
  : RIVALS_HINT;
publish({
  title: 'Searches: time',
  note: `TPE and the median rule, after equal rounds times learning rate, over two kinds of boosted trees, ${threads} processes of one thread; beside ${against}. Medians of ${RUNS} runs in turns. Reach: 100 trials within 60 s.`,
  columns: ['search', 'ours', 'Optuna + LightGBM', 'Optuna + LightGBM / ours', 'trials ended early'],
  rows: [await timed(drawn('binary', 20_000, 64))],
});
const rows: string[][] = [];
// Three of real markets where they are there.
for (const [at, set] of treeSets().slice(0, 3).entries()) rows.push(await compared(set, at));
publish({
  title: 'Searches: the model at the end',
  note: `Ours: a search, the best ${STACKED} trials as a stack, fitted again; the rival gets the same time for its search alone, and fits its best trial again. Scores are R2, of classes the area under the ROC curve, of the last quarter of the rows. Reach: at least the rival's.`,
  columns: ['set', 'time', 'our trials', 'our score', 'its trials', 'its score'],
  rows,
});
rivals?.stop();
rmSync(folder, { recursive: true });
