// What a training is in the registry: inputs, meaning of the numbers, scores on the test rows, and where it comes from.
import { VERSION } from '../../../src/core/version.ts';
import type { Task } from '../../../src/learning/family.ts';
import type { ServingFacts } from '../../../src/onnx/model-card.ts';
import { recipeSchema } from '../conversion/schemas.ts';
import type { Dataset } from '../datasets/schemas.ts';
import { type Lineage, MAX_IMPORTANCE } from '../registry/records.ts';
import type { VersionDefinition } from '../registry/schemas.ts';
import type { TrainInput, TrainReply } from './schemas.ts';
import type { Trained } from './train.ts';

/** Returns the version that a training on a table makes; `lineage` says what made it. */
export function versionOf(
  input: TrainInput,
  { report, probe }: Omit<Trained, 'bytes'>,
  card: Pick<Dataset, 'name' | 'sha256'>,
  lineage: Pick<Lineage, 'training_job' | 'search'>,
): VersionDefinition {
  return {
    inputs: report.inputs,
    task: report.task as Task,
    output: {
      name: 'output',
      meaning: meaningOf(input, report),
      ...(report.classes && { classes: report.classes }),
    },
    ...(probe.flat().every(Number.isFinite) && { probe }),
    serving: servingOf(input, report),
    metrics: metricsOf(report),
    lineage: {
      data: card.name,
      data_sha256: card.sha256,
      feature_set: JSON.stringify(input.features).slice(0, 200),
      code_version: VERSION,
      seed: input.seed,
      ...lineage,
      recipe: recipeSchema.parse(input),
      ...importanceOf(report),
    },
  };
}

/** What the numbers of a version mean. */
function meaningOf({ target }: TrainInput, { task, classes }: Pick<TrainReply, 'task' | 'classes'>): string {
  if (target.kind === 'none') {
    if (task === 'clustering') return 'probability of each group';
    return task === 'generation' ? 'a new row of the features, in order' : 'the inputs, given again';
  }
  const { kind, column, horizon } = target;
  const ahead = `${horizon} rows ahead`;
  if (target.kind === 'signal') {
    const { sell_below, buy_above } = target;
    return `probabilities of ${classes!.join(', ')}: the return of ${column} ${ahead} below ${sell_below}, between, above ${buy_above}`;
  }
  if (kind === 'direction')
    return `probabilities that ${column} is not higher and that it is higher ${ahead}`;
  if (kind === 'value') return `${column} ${ahead}`;
  return kind === 'log_return'
    ? `logarithmic return of ${column} ${ahead}`
    : `volatility of ${column} over ${horizon} rows`;
}

/** What replies of predictions tell of a trained version. */
function servingOf(
  { target }: TrainInput,
  { task, calibration, interval }: Omit<TrainReply, 'version'>,
): ServingFacts {
  return {
    ...(task === 'classification' && { calibrated: calibration !== null }),
    ...(interval && { interval: { level: interval.level, margin: interval.margin } }),
    ...(target.kind !== 'none' && {
      target: {
        kind: target.kind,
        column: target.column,
        horizon: target.horizon === 1 ? '1 row' : `${target.horizon} rows`,
      },
    }),
  };
}

/** The scores on the test rows, as the registry keeps them: `group.score`, and of each naive forecast `group.naive.score`. */
export function metricsOf({
  groups,
  interval,
  anomaly,
}: Omit<TrainReply, 'version'>): Record<string, number> {
  const metrics: Record<string, number> = {};
  const put = (name: string, value: number | null) => {
    if (value !== null && Number.isFinite(value)) metrics[name] = value;
  };
  for (const [group, { scores, baselines }] of Object.entries(groups)) {
    for (const [score, { value }] of Object.entries(scores)) put(`${group}.${score}`, value);
    for (const [naive, { scores: its }] of Object.entries(baselines))
      for (const [score, { value }] of Object.entries(its)) put(`${group}.${naive}.${score}`, value);
  }
  if (interval) {
    put('interval.margin', interval.margin);
    put('interval.test_coverage', interval.test_coverage);
  }
  if (anomaly) {
    put('anomaly.level', anomaly.level);
    put('anomaly.threshold', anomaly.threshold);
    put('anomaly.test_share', anomaly.test_share);
  }
  return metrics;
}

/** What the fit says of its inputs; absent where it does not, or there are too many. */
function importanceOf({ importance }: Pick<TrainReply, 'importance'>) {
  return importance && Object.keys(importance).length <= MAX_IMPORTANCE ? { importance } : {};
}
