// What every family is worth on later rows of three sets of real data, beside naive rules: prints the table, and writes it into docs/ml/results.md.
import { resolve } from 'node:path';
import { NautilusError } from '../../src/core/errors.ts';
import { FAMILIES, familyOf } from '../../src/learning/families.ts';
import type { Task } from '../../src/learning/family.ts';
import { type FeatureSpec, featureSchema } from '../../src/learning/tables/features.ts';
import type { Frame } from '../../src/learning/tables/frame.ts';
import { readFrameCsv } from '../../src/learning/tables/read-csv.ts';
import { targetSchema } from '../../src/learning/tables/target.ts';
import { trainingSet } from '../../src/learning/tables/training-set.ts';
import { validationReport } from '../../src/learning/validation/report.ts';
import type { ScoreGroup } from '../../src/learning/validation/score-group.ts';
import { trainAndTest } from '../../src/learning/validation/train-and-test.ts';
import { isUnlabelled } from '../../src/learning/validation/unlabelled/score.ts';
import { trainUnlabelled } from '../../src/learning/validation/unlabelled/train.ts';
import { sharedData } from '../../test/shared-data.ts';

const PAGE = resolve(import.meta.dir, '../../docs/ml/results.md');
const [BEGIN, END] = ['<!-- table: bun bench/learning/results.ts -->', '<!-- end of table -->'];

const features = (specs: readonly object[]): FeatureSpec[] => specs.map((spec) => featureSchema.parse(spec));
const returns = (column: string, ...periods: number[]) =>
  periods.map((one) => ({ kind: 'log_return', column, periods: one }));
const volatilities = (column: string, ...windows: number[]) =>
  windows.map((window) => ({ kind: 'volatility', column, window }));
const zScores = (window: number, ...columns: string[]) =>
  columns.map((column) => ({ kind: 'z_score', column, window }));

/** The data: rows from the start of each file. */
const DATA = [
  {
    name: 'BTC, 1 minute',
    file: 'btc-perp-1min-ohlcv-2022-01.csv.gz',
    rows: 8000,
    column: 'close',
    features: features([
      ...returns('close', 1, 5, 15),
      ...volatilities('close', 12, 60),
      ...zScores(60, 'close', 'volume'),
    ]),
  },
  {
    name: 'crypto, 10 pairs, 5 minutes',
    file: 'crypto-10-pairs-5min-ohlcv-2018-01.csv.gz',
    rows: 12_000,
    column: 'close',
    features: features([
      ...returns('close', 1, 3, 12),
      ...volatilities('close', 12, 48),
      ...zScores(48, 'close'),
    ]),
  },
  {
    name: 'S&P 500, 20 stocks, days (JPM)',
    file: 'sp500-20-stocks-daily-close-1990-2022.csv.gz',
    rows: 8313,
    column: 'jpm',
    features: features([
      ...['aapl', 'bac', 'cvx', 'jnj', 'ko', 'msft', 'xom'].flatMap((name) => returns(name, 1)),
      ...returns('jpm', 1, 5, 20),
      ...volatilities('jpm', 12, 60),
    ]),
  },
] as const;

const HORIZON = 12;
const STEPS = 8;
const network = { epochs: 6, batch_size: 256, learning_rate: 0.002 };
/** Options beside the defaults: moderate, the same for all data, and not chosen by these scores. */
const OPTIONS: Readonly<Record<string, object>> = {
  lasso: { alpha: 1e-3 },
  elastic_net: { alpha: 1e-3 },
  kmeans: { clusters: 4, starts: 3 },
  dbscan: { eps: 1.5, min_points: 10, max_served_points: 4096 },
  hmm: { states: 2, starts: 2 },
  gradient_boosting: { rounds: 60, learning_rate: 0.05, max_leaves: 15 },
  xgboost: { rounds: 60, learning_rate: 0.05, max_depth: 4 },
  lightgbm: { rounds: 60, learning_rate: 0.05, max_leaves: 15 },
  catboost: { rounds: 60, learning_rate: 0.05 },
  random_forest: { trees: 60, max_depth: 8 },
  ...Object.fromEntries(['mlp', 'rnn', 'gru', 'lstm', 'transformer', 'cnn'].map((name) => [name, network])),
  // After 6 epochs these two have learnt next to nothing.
  autoencoder: { ...network, epochs: 60, latent: 3 },
  lstm_autoencoder: { ...network, latent: 6 },
  gan: { ...network, epochs: 80, hidden: 32 },
};
/** Families that read several steps. */
const SEQUENCES = ['rnn', 'gru', 'lstm', 'transformer', 'cnn', 'hmm', 'lstm_autoencoder', 'gan'];

/** The score that decides, and the naive rules that it is compared with. */
const HEADLINES: Readonly<Record<Task, { score: string; naive: readonly string[] }>> = {
  classification: { score: 'log_loss', naive: ['class_frequencies'] },
  regression: { score: 'rmse', naive: ['train_mean', 'last_value'] },
  clustering: { score: 'next_log_likelihood', naive: ['one_group', 'without_memory'] },
  reconstruction: { score: 'reconstruction_error', naive: ['principal_components'] },
  generation: { score: 'correlation_distance', naive: ['independent_columns', 'normal'] },
};

interface Row {
  readonly data: string;
  readonly family: string;
  readonly learns: string;
  readonly rows: number;
  readonly group: ScoreGroup;
  readonly task: Task;
}

async function frameOf(file: string, rows: number): Promise<Frame> {
  const path = sharedData(file);
  if (!path) throw new Error(`Expected ../shared/data/${file}`);
  const text = new TextDecoder().decode(Bun.gunzipSync(await Bun.file(path).bytes()));
  const body = new Blob([
    text
      .split('\n')
      .slice(0, rows + 1)
      .join('\n'),
  ]).stream();
  const limits = { maxBytes: 2 ** 30, maxCells: 2e7 };
  return (await readFrameCsv(body, limits)).frame;
}

async function scored(name: string, task: Task, data: (typeof DATA)[number], frame: Frame): Promise<Row> {
  const family = familyOf(name);
  const steps = SEQUENCES.includes(name) ? STEPS : 1;
  const stepped = 'shape' in family.options && 'steps' in (family.options.shape as object);
  const options = family.options.parse({ ...OPTIONS[name], ...(stepped && { steps }) });
  const kind =
    task === 'classification' ? 'direction' : task === 'regression' ? 'volatility' : ('none' as const);
  const target = targetSchema.parse(
    kind === 'none' ? { kind } : { kind, column: data.column, horizon: HORIZON },
  );
  const set = trainingSet(frame, data.features, target, { steps });
  const scoring = { resamples: 300, level: 0.95, seed: 1 };
  const control = { seed: 1, threads: 2 };
  const shares = { test: 0.3, calibration: 0.2, stopping: 0 };
  const about = { data: data.name, family: name, task };
  if (isUnlabelled(task)) {
    const settings = { shares, level: 0.9, steps, scoring };
    const { scores, rows } = await trainUnlabelled({ family, task, options }, set.data, settings, control);
    return { ...about, learns: task, rows: rows.test, group: scores.groups[task]! };
  }
  const calibration = { kind: 'sigmoid', held_out_fraction: shares.calibration } as const;
  const candidate = { family, task, options, ...(task === 'classification' && { calibration }) };
  const { result, rows } = await trainAndTest(candidate, set.data, shares, 0.9, control);
  const { paths } = await validationReport(result, set.data, scoring);
  return { ...about, learns: kind, rows: rows.test, group: paths[0]!.groups[task]! };
}

const digits = (value: number | null) => (value === null ? 'none' : value.toPrecision(3));
const span = ({ low, high }: { low: number | null; high: number | null }) =>
  `${digits(low)} to ${digits(high)}`;

function lineOf({ data, family, learns, rows, group, task }: Row): string {
  const { score, naive } = HEADLINES[task];
  const own = group.scores[score]!;
  // Of several naive rules the one that is hardest to beat.
  const [rule, hardest] = naive
    .map((name) => [name, group.baselines[name]!] as const)
    .sort(([, a], [, b]) => a.advantage[score]!.value! - b.advantage[score]!.value!)[0]!;
  const { value, interval, beats } = hardest.advantage[score]!;
  const worse = interval.high !== null && interval.high < 0;
  const verdict = beats ? 'yes' : worse ? 'no, worse' : 'no';
  return `| ${data} | \`${family}\` | ${learns} | ${rows} | ${score} ${digits(own.value)} (${span(own.interval)}) | ${rule} ${digits(hardest.scores[score]!.value)} | ${digits(value)} (${span(interval)}) | ${verdict} |`;
}

const HEAD = [
  '| data | family | learns | test rows | score (95%) | naive rule | better by (95%) | beats it |',
  '|---|---|---|---|---|---|---|---|',
];
const LEARNS = { classification: 'direction', regression: 'volatility' } as const;

/** What a line is about: data, family, and what it learns. */
const keyOf = (line: string) => line.split('|').slice(1, 4).join('|');
const learnsOf = (line: string) => line.split('|')[3]!.trim();

/** Returns how many models of each kind beat their naive rule. */
function summaryOf(lines: readonly string[]): string {
  const kinds = [...new Set(lines.map(learnsOf))];
  const counts = kinds.map((kind) => {
    const of = lines.filter((line) => learnsOf(line) === kind);
    return `${kind} ${of.filter((line) => line.endsWith('| yes |')).length} of ${of.length}`;
  });
  return `Models that beat the naive rule with their whole interval: ${counts.join(', ')}.`;
}

// Families by name are made anew; the lines of the others stay as they are.
const chosen = process.argv.slice(2);
for (const name of chosen) familyOf(name);
const page = await Bun.file(PAGE).text();
const [before, table, after] = [
  page.split(BEGIN)[0]!,
  page.split(BEGIN)[1]!.split(END)[0]!,
  page.split(END)[1]!,
];
const kept = table.split('\n').filter((line) => line.startsWith('| ') && !HEAD.includes(line));
const made = new Map(chosen.length > 0 ? kept.map((line) => [keyOf(line), line]) : []);
for (const data of DATA) {
  const frame = await frameOf(data.file, data.rows);
  for (const { name, tasks } of FAMILIES) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    for (const task of tasks) {
      const row = await scored(name, task, data, frame).catch((error: unknown) => {
        if (error instanceof NautilusError) return error;
        throw error;
      });
      const learns = LEARNS[task as keyof typeof LEARNS] ?? task;
      const line =
        row instanceof NautilusError
          ? `| ${data.name} | \`${name}\` | ${learns} | | refused: ${row.message.split('\n')[0]} | | | |`
          : lineOf(row);
      made.set(keyOf(line), line);
      console.log(line);
    }
  }
}
const lines = [...made.values()];
const summary = summaryOf(lines);
console.log(summary);
await Bun.write(
  PAGE,
  `${before}${BEGIN}\n\n${summary}\n\n${[...HEAD, ...lines].join('\n')}\n\n${END}${after}`,
);
