// What is checked of a request before a job is made of it.
import { ConflictError, InvalidOptionError } from '../../../src/core/errors.ts';
import type { Family } from '../../../src/learning/family.ts';
import { columnOf, computeFeatures, type FeatureSpec } from '../../../src/learning/tables/features.ts';
import type { TargetSpec } from '../../../src/learning/tables/target.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { defaultsOf } from './defaults.ts';
import { type TrainRequest, taskOf } from './schemas.ts';

type Request = Pick<
  TrainRequest,
  'dataset_id' | 'family' | 'options' | 'features' | 'target' | 'steps' | 'hardware'
> &
  Partial<Pick<TrainRequest, 'calibration'>>;

/** A request with the family, the options and the target that it means. */
export type Checked<R> = Omit<R, 'family' | 'options' | 'features' | 'target' | 'steps'> & {
  readonly model_id: string;
  readonly model_created_us: number;
  readonly family: string;
  readonly options: unknown;
  readonly features: FeatureSpec[];
  readonly target: TargetSpec;
  readonly steps: number;
};

/**
 * Checks a request against the model, the family and the table. Throws NotFoundError (model, table), InvalidOptionError (family, options,
 * task, columns, configuration of the model), ConflictError for a model of the models directory and one without a family.
 */
export async function checked<R extends Request>(
  model_id: string,
  request: R,
  models: ModelsService,
  datasets: DatasetStore,
): Promise<Checked<R>> {
  const model = await models.change(model_id, () => models.registry.store.queries.model(model_id));
  const name = request.family ?? model.family;
  if (name === null) {
    throw new ConflictError(`Expected a family, in the request or in the definition of ${model_id}`);
  }
  const given = request.options ?? (name === model.family ? JSON.parse(model.options) : {});
  const { training = {} } = defaultsOf(model.configuration);
  // The target of another family's task would not be one.
  const wanted = request.target ?? (name === model.family ? training.target : undefined);
  const features = request.features ?? training.features ?? [{ kind: 'bars' }];
  const steps = request.steps ?? training.steps ?? 1;
  checkCalibration({ ...request, target: wanted });
  // Loaded with the first use: an engine that trains nothing starts without them.
  const { checkedOptions, familyOf } = await import('../../../src/learning/families.ts');
  const family = familyOf(name);
  checkHardware(request, family);
  const target = targetOf(wanted, family);
  const options = checkedOptions(family, taskOf(target, family.tasks), withSteps(given, family, steps));
  const { columns } = await datasets.get(request.dataset_id);
  // On no rows: the columns that features and target name are there.
  const none = new Float64Array();
  const empty = {
    rows: 0,
    tsUs: none,
    series: [],
    seriesOf: new Uint32Array(),
    columns: new Map(columns.map((column) => [column.name, none] as const)),
  };
  computeFeatures(empty, features);
  if (target.kind !== 'none') columnOf(empty, target.column);
  const { created_us: model_created_us } = model;
  return { ...request, model_id, model_created_us, family: name, options, features, target, steps };
}

/** The target that is meant: what is asked for, else what the family can learn. Throws InvalidOptionError when those don't go together. */
function targetOf(asked: TargetSpec | undefined, { name, tasks }: Family): TargetSpec {
  const learnsTargets = tasks.includes('classification') || tasks.includes('regression');
  if (asked === undefined) return learnsTargets ? { kind: 'direction', column: 'close', horizon: 1 } : NONE;
  const kinds = [
    ...(tasks.includes('classification') ? ['direction', 'signal'] : []),
    ...(tasks.includes('regression') ? ['value', 'log_return', 'volatility'] : []),
    ...(learnsTargets ? [] : ['none']),
  ];
  if (kinds.includes(asked.kind)) return asked;
  const error = { pointer: '/target/kind', expected: `${kinds.join(', ')}, which ${name} learns` };
  throw new InvalidOptionError(`Expected ${error.expected} for /target/kind, was ${asked.kind}`, [error]);
}

const NONE = { kind: 'none' } as const;

/** Options whose steps are those of the request where they have some and say nothing of them. */
function withSteps(given: unknown, family: Family, steps: number): unknown {
  const { shape } = family.options as { readonly shape?: Readonly<Record<string, unknown>> };
  const options = given as Readonly<Record<string, unknown>>;
  return shape && 'steps' in shape && options.steps === undefined ? { ...options, steps } : options;
}

/** Throws InvalidOptionError for a sigmoid of three classes. */
function checkCalibration({ calibration, target }: Request): void {
  if (calibration !== 'sigmoid' || target?.kind !== 'signal') return;
  const error = { pointer: '/calibration', expected: 'temperature, isotonic or none for three classes' };
  throw new InvalidOptionError(`Expected ${error.expected}, was sigmoid`, [error]);
}

/** Throws InvalidOptionError for hardware that the family's fits don't run on. */
function checkHardware({ hardware }: Request, { name, hardware: known = ['cpu'] }: Family): void {
  if (hardware === 'auto' || known.includes(hardware)) return;
  const error = { pointer: '/hardware', expected: `auto or ${known.join(' or ')}, which ${name} fits on` };
  throw new InvalidOptionError(`Expected ${error.expected}, was ${hardware}`, [error]);
}
