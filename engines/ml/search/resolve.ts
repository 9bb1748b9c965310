// From a request to the settings of a search: families, spaces and features by name, everything checked before anything is stored.
import type { Config } from '../../../src/core/config.ts';
import { type FieldError, InvalidOptionError, pointerPart } from '../../../src/core/errors.ts';
import { checkedOptions, familyOf } from '../../../src/learning/families.ts';
import { trialOptions, WATCHED } from '../../../src/learning/search/base-options.ts';
import { DEFAULT_FAMILIES, defaultPoint, defaultSpace } from '../../../src/learning/search/default-spaces.ts';
import { type FeatureGroup, featureGroups } from '../../../src/learning/search/feature-groups.ts';
import {
  familiesOfTypes,
  hasSetting,
  optionNames,
  optionsOf,
  publishedSpaces,
} from '../../../src/learning/search/mappings.ts';
import { checkMetric, defaultMetric } from '../../../src/learning/search/metric.ts';
import { samplerOf } from '../../../src/learning/search/samplers/index.ts';
import { checkSpace } from '../../../src/learning/search/space.ts';
import { TRAIN_FRACTION } from '../../../src/learning/search/table.ts';
import type { Choice, Dimension, Point, Space } from '../../../src/learning/search/types.ts';
import { columnOf, computeFeatures } from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import type { TargetSpec } from '../../../src/learning/tables/target.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { FAMILY, groupDimension, spaceOf } from './candidate.ts';
import type { Settings, Unused } from './records.ts';
import type { AutomlRequest, HyperoptRequest, SearchFields } from './schemas.ts';

/** A family of a search before its space is put together with others. */
interface Entry {
  readonly family: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly space: Space;
  /** Whether the space is the family's own, whose defaults are worth the first trial. */
  readonly isDefault: boolean;
  /** Where the request says it: `/options` and `/space` are below. */
  readonly pointer: string;
}

type Task = Settings['task'];

const CLASSES: readonly TargetSpec['kind'][] = ['direction', 'signal'];
const ALL_GROUPS = ['price', 'volume', 'technical', 'sentiment'] as const;
const SEQUENCE_STEPS = 8;
const LEAST_LAG = 4;

/** What a request is checked against. */
export interface ResolveParts {
  readonly datasets: DatasetStore;
  readonly config: Pick<Config, 'threads'>;
}

/**
 * Returns the settings of `POST /automl/start`. Throws NotFoundError (table), InvalidOptionError with pointers for whatever does not hold:
 * families, spaces, features, metric, target.
 */
export async function resolveAutoml(request: AutomlRequest, parts: ResolveParts): Promise<Settings> {
  const { search_space: space } = request;
  const { target, task } = targetOf(request.target);
  const unused: Unused[] = [];
  const entries = space.models ? modelsOf(space, task) : publishedOf(space, task, unused);
  return settle(
    request,
    {
      ...{ entries, target, task, unused, wanted: space.features, ensemble: request.ensemble },
      pointer: '/search_space',
    },
    parts,
  );
}

/** Returns the settings of `POST /hyperopt/start`. Throws as {@link resolveAutoml} does. */
export async function resolveHyperopt(request: HyperoptRequest, parts: ResolveParts): Promise<Settings> {
  const { target, task } = targetOf(request.target);
  const { families } = pointed('/family', () => familiesOfTypes([request.family], task));
  const { options, space } = request;
  const entries = [entryOf(families[0]!, options, space, '')];
  const plain = { unused: [], wanted: undefined, ensemble: 0, pointer: '/space' };
  return settle(request, { entries, target, task, ...plain }, parts);
}

function targetOf(target: TargetSpec = { kind: 'direction', column: 'close', horizon: 1 }) {
  if (target.kind === 'none')
    throw refused('/target/kind', 'a target: without one nothing tells which trial is best');
  const task: Task = CLASSES.includes(target.kind) ? 'classification' : 'regression';
  return { target, task };
}

function modelsOf(
  { models, model_types, hyperparameters }: AutomlRequest['search_space'],
  task: Task,
): Entry[] {
  for (const [name, given] of Object.entries({ model_types, hyperparameters }))
    if (given) throw refused(`/search_space/${name}`, 'nothing beside models');
  const seen = new Set<string>();
  return models!.map(({ family, options, space }, i) => {
    const pointer = `/search_space/models/${i}`;
    const { families } = pointed(`${pointer}/family`, () => familiesOfTypes([family], task));
    if (seen.has(families[0]!)) throw refused(`${pointer}/family`, 'a family of its own');
    seen.add(families[0]!);
    return entryOf(families[0]!, options, space, pointer);
  });
}

function publishedOf(
  { model_types, hyperparameters }: AutomlRequest['search_space'],
  task: Task,
  unused: Unused[],
): Entry[] {
  const found = model_types
    ? familiesOfTypes(model_types, task)
    : { families: DEFAULT_FAMILIES[task], unused: [] };
  for (const { name, reason } of found.unused)
    unused.push({ pointer: `/search_space/model_types/${model_types!.indexOf(name)}`, reason });
  if (!hyperparameters) return found.families.map((family) => entryOf(family, {}, undefined, ''));
  const published = publishedSpaces(found.families, hyperparameters, task);
  const names = Object.keys(hyperparameters);
  for (const family of found.families)
    checkNames(family, names, (at) => `/search_space/hyperparameters/${pointerPart(names[at]!)}`);
  for (const { family, name, reason } of published.unused)
    unused.push({
      pointer: `/search_space/hyperparameters/${pointerPart(name)}`,
      reason: `${family}: ${reason}`,
    });
  return found.families.map((family) => ({
    ...{ family, options: {}, isDefault: false, pointer: '/search_space' },
    space: published.spaces.get(family) ?? [],
  }));
}

function entryOf(
  family: string,
  options: Readonly<Record<string, unknown>>,
  space: Space | undefined,
  pointer: string,
): Entry {
  const fixed = Object.keys(options);
  if (!space) {
    // What is fixed is no dimension any more.
    const own = defaultSpace(family).filter(
      ({ name }) => !sets(family, name).some((one) => fixed.includes(one)),
    );
    return { family, options, space: own, isDefault: true, pointer };
  }
  checkSpace(space, `${pointer}/space`);
  for (const [i, { name }] of space.entries()) {
    const where = `${pointer}/space/${i}/name`;
    if (!hasSetting(family, name))
      throw refused(where, `a setting of ${family} (${optionNames(family).join(', ')})`);
    if (sets(family, name).some((one) => fixed.includes(one)))
      throw refused(where, 'no option that is fixed');
  }
  checkNames(
    family,
    space.map(({ name }) => name),
    (at) => `${pointer}/space/${at}/name`,
  );
  return { family, options, space, isDefault: false, pointer };
}

/** Options that a setting sets. */
const sets = (family: string, name: string) => [name, ...Object.keys(optionsOf(family, { [name]: 1 }))];

/** Throws InvalidOptionError for an option that is searched over under two names: one of them would do nothing. */
function checkNames(family: string, names: readonly string[], pointer: (at: number) => string): void {
  for (const [at, name] of names.entries()) {
    const other = sets(family, name).find((one) => one !== name && names.includes(one));
    if (other !== undefined) throw refused(pointer(at), `one name of ${other} of ${family}, not two`);
  }
}

interface Chosen {
  readonly entries: readonly Entry[];
  readonly target: TargetSpec;
  readonly task: Task;
  readonly unused: Unused[];
  readonly wanted: AutomlRequest['search_space']['features'];
  readonly ensemble: number;
  /** Where the request says the space. */
  readonly pointer: string;
}

async function settle(
  request: SearchFields,
  { entries, target, task, unused, wanted, ensemble, pointer }: Chosen,
  { datasets, config }: ResolveParts,
): Promise<Settings> {
  const metric = request.validation_metric ?? defaultMetric(target);
  checkMetric(metric, target);
  const { columns } = await datasets.get(request.dataset_id);
  const names = columns.map(({ name }) => name);
  const groups = groupsOf(request, wanted, names, unused);
  checkColumns(groups, target, names);
  const steps = request.steps ?? (entries.some(({ family }) => readsSteps(family)) ? SEQUENCE_STEPS : 1);
  for (const entry of entries) checkEnds(entry, task, steps);
  const parallel = request.parallel ?? Math.max(1, config.threads);
  const lag = request.lag ?? Math.max(LEAST_LAG, 2 * parallel);
  if (lag < parallel) throw refused('/lag', 'at least parallel');
  const space = spaceOf(entries, groups);
  const first = firstPoints(entries, groups);
  const { sampler, seed, max_trials } = request;
  // What can't be searched is refused now: a grid over numbers without steps, a space without dimensions.
  pointed(pointer, () => {
    checkSpace(space);
    samplerOf(sampler, { space, seed, parallel: lag, enqueued: first });
  });
  return {
    dataset_id: request.dataset_id,
    ...{ target, task, steps, metric, sampler, seed, max_trials, parallel, lag, ensemble, unused },
    groups,
    missing: request.missing,
    members: entries.map(({ family, options }) => ({ family, options })),
    space,
    first,
    scheme: request.scheme ?? { kind: 'holdout', train_fraction: TRAIN_FRACTION, gap_us: 0 },
    test_fraction: request.test_fraction,
    cost_bps: request.cost_bps,
    pruner: request.pruner,
    time_budget_s: request.time_budget_s ?? null,
    trial_timeout_s: request.trial_timeout_s,
    hardware: request.hardware,
  };
}

function groupsOf(
  { features }: SearchFields,
  wanted: Chosen['wanted'],
  columns: readonly string[],
  unused: Unused[],
): readonly FeatureGroup[] {
  if (features) {
    if (wanted) throw refused('/search_space/features', 'nothing beside features');
    return [{ name: 'features', features }];
  }
  const found = pointed('/search_space/features', () => featureGroups(wanted ?? ALL_GROUPS, columns));
  // Groups that nobody asked for are not missed.
  for (const { name, reason } of wanted ? found.unused : [])
    unused.push({ pointer: `/search_space/features/${wanted!.indexOf(name as never)}`, reason });
  return found.groups;
}

/** On no rows: the columns that features and target name are there. */
function checkColumns(groups: readonly FeatureGroup[], target: TargetSpec, names: readonly string[]): void {
  const none = new Float64Array();
  const columns = new Map(names.map((name) => [name, none] as const));
  const empty: Frame = { rows: 0, tsUs: none, series: [], seriesOf: new Uint32Array(), columns };
  pointed('/features', () =>
    computeFeatures(
      empty,
      groups.flatMap(({ features }) => features),
    ),
  );
  if (target.kind !== 'none') pointed('/target/column', () => columnOf(empty, target.column));
}

/** Throws InvalidOptionError where an end of a dimension is no option of the family: found now and not by every trial. */
function checkEnds({ family, options, space, pointer }: Entry, task: Task, steps: number): void {
  const check = (point: Point, below: string) =>
    pointed(`${pointer}${below}`, () =>
      checkedOptions(
        familyOf(family),
        task,
        trialOptions(family, { ...options, ...optionsOf(family, point) }, steps),
      ),
    );
  check({}, '/options');
  for (const [at, dimension] of space.entries()) {
    for (const end of endsOf(dimension)) check({ [dimension.name]: end }, `/space/${at}`);
  }
}

function endsOf(dimension: Dimension): readonly Choice[] {
  return dimension.kind === 'choice' ? dimension.values : [dimension.low, dimension.high];
}

function readsSteps(family: string): boolean {
  return family in WATCHED && optionNames(family).includes('steps');
}

/** The defaults of each family whose space is its own, with all features. */
function firstPoints(entries: readonly Entry[], groups: readonly FeatureGroup[]): Point[] {
  const on =
    groups.length > 1 ? Object.fromEntries(groups.map(({ name }) => [groupDimension(name), true])) : {};
  const several = entries.length > 1;
  return entries
    .filter(({ isDefault }) => isDefault)
    .map(({ family, space }) => {
      const defaults = defaultPoint(family);
      const own = space.map(({ name }) => [several ? `${family}.${name}` : name, defaults[name]!]);
      return { ...(several && { [FAMILY]: family }), ...Object.fromEntries(own), ...on };
    });
}

/** Runs a check whose errors get a pointer into the request. */
function pointed<T>(pointer: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const [first] = error.extras.errors ?? [];
    throw new InvalidOptionError(error.message, [{ expected: first?.expected ?? error.message, pointer }]);
  }
}

function refused(pointer: string, expected: string): InvalidOptionError {
  const field: FieldError = { pointer, expected };
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [field]);
}
