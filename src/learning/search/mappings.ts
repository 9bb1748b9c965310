// Published names of models and hyperparameters, and the families and options that they mean.
import { InvalidOptionError, pointerPart } from '../../core/errors.ts';
import { checkedOptions, FAMILIES, familyOf } from '../families.ts';
import type { Task } from '../family.ts';
import { templateOfType } from '../templates/definitions.ts';
import { trialOptions } from './base-options.ts';
import { SEARCHED_FAMILIES } from './default-spaces.ts';
import type { Choice, Space } from './types.ts';

/** A name that a family has nothing for. */
export interface UnusedSetting {
  readonly family: string;
  readonly name: string;
  readonly reason: string;
}

/** Settings that are not options of the same name: what of the family they set. */
type Setter = (
  value: Choice,
  settings: Readonly<Record<string, Choice>>,
) => Readonly<Record<string, unknown>>;

const as =
  (option: string): Setter =>
  (value) => ({ [option]: value });

/** Layers of one width: the number of them and the width are two settings of one option. */
const layersOf = (option: string, units: number): Readonly<Record<string, Setter>> => ({
  hidden_layers: (count, settings) => ({ [option]: repeat(count, settings.hidden_units ?? units) }),
  hidden_units: (width, settings) => ({ [option]: repeat(settings.hidden_layers ?? 2, width) }),
});

function repeat(count: Choice, width: Choice): readonly Choice[] {
  return Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MOST_LAYERS
    ? Array.from({ length: Number(count) }, () => width)
    : [];
}

const MOST_LAYERS = 1000;

const boosted = {
  n_estimators: as('rounds'),
  num_leaves: as('max_leaves'),
  subsample: as('row_share'),
  colsample_bytree: as('column_share'),
  min_child_samples: as('min_rows'),
  min_child_weight: as('min_hessian'),
  reg_alpha: as('l1'),
  reg_lambda: as('l2'),
};
const network = { optimiser: as('optimizer'), warmup: as('warm_up') };
const recurrent = { ...network, hidden_layers: as('layers'), hidden_units: as('units') };

/**
 * Settings of each family beside its own options, by their names in requests. Every other name is an option of the family as it is, or
 * nothing of it.
 */
export const SETTINGS: Readonly<Record<string, Readonly<Record<string, Setter>>>> = {
  ridge: { reg_lambda: as('alpha') },
  lasso: { reg_alpha: as('alpha') },
  elastic_net: {},
  logistic: { reg_lambda: as('l2') },
  gradient_boosting: boosted,
  lightgbm: boosted,
  xgboost: boosted,
  catboost: boosted,
  random_forest: {
    n_estimators: as('trees'),
    num_leaves: as('max_leaves'),
    min_child_samples: as('min_rows'),
    max_features: as('split_share'),
  },
  mlp: { ...network, ...layersOf('hidden', 64) },
  rnn: recurrent,
  gru: recurrent,
  lstm: recurrent,
  transformer: { ...network, hidden_layers: as('layers'), hidden_units: as('width') },
  cnn: { ...network, ...layersOf('channels', 32) },
};

/** Returns the options that settings of a family mean. */
export function optionsOf(
  family: string,
  settings: Readonly<Record<string, Choice>>,
): Record<string, unknown> {
  const setters = SETTINGS[family] ?? {};
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    const setter = Object.hasOwn(setters, name) ? setters[name] : undefined;
    Object.assign(options, setter ? setter(value, settings) : { [name]: value });
  }
  return options;
}

/** Returns the names of the options of a family. */
export function optionNames(family: string): string[] {
  const { options } = familyOf(family);
  return Object.keys((options as unknown as { readonly shape: object }).shape);
}

/** Returns whether a family has a setting of this name. */
export function hasSetting(family: string, name: string): boolean {
  return Object.hasOwn(SETTINGS[family] ?? {}, name) || optionNames(family).includes(name);
}

/** Names of models that are neither families nor published types, by task. */
const OTHER_TYPES: Readonly<Record<string, Partial<Record<Task, string>>>> = {
  linear: { regression: 'ridge', classification: 'logistic' },
};

/**
 * Returns the families of published `model_types` (or names of families) that learn a task, each once. A type that has no family for it is
 * among the unused with the reason. Throws InvalidOptionError for a name that is none, and when no family is left.
 */
export function familiesOfTypes(
  types: readonly string[],
  task: Task,
): { readonly families: readonly string[]; readonly unused: readonly Omit<UnusedSetting, 'family'>[] } {
  const families = new Set<string>();
  const unused: Omit<UnusedSetting, 'family'>[] = [];
  for (const [place, name] of types.entries()) {
    const family = OTHER_TYPES[name]?.[task] ?? templateOfType(name)?.family ?? name;
    const found = FAMILIES.find((one) => one.name === family);
    if (!found && !OTHER_TYPES[name]) {
      const expected = `a type of models or one of ${SEARCHED_FAMILIES.join(', ')}`;
      throw new InvalidOptionError(`Expected ${expected}, was another`, [
        { pointer: `/search_space/model_types/${place}`, expected },
      ]);
    }
    if (found?.tasks.includes(task) && SEARCHED_FAMILIES.includes(family)) families.add(family);
    else unused.push({ name, reason: `Expected a model that learns ${task}, was one that does not` });
  }
  if (families.size === 0) {
    const expected = `a model that learns ${task}`;
    throw new InvalidOptionError(`Expected ${expected}, was none`, [
      { pointer: '/search_space/model_types', expected },
    ]);
  }
  return { families: [...families], unused };
}

/**
 * Returns the space of each family over published `hyperparameters` (values by name): a family has the dimensions that it has a setting for,
 * with the values that it takes. What it has nothing for is among the unused with the reason. Throws InvalidOptionError for a name or a
 * value that no family takes, and for a name without values.
 */
export function publishedSpaces(
  families: readonly string[],
  hyperparameters: Readonly<Record<string, readonly Choice[]>>,
  task: Task,
  pointer = '/search_space/hyperparameters',
): { readonly spaces: ReadonlyMap<string, Space>; readonly unused: readonly UnusedSetting[] } {
  const spaces = new Map<string, Space>(families.map((family) => [family, []]));
  const unused: UnusedSetting[] = [];
  for (const [name, values] of Object.entries(hyperparameters)) {
    const at = `${pointer}/${pointerPart(name)}`;
    if (values.length === 0) refuse(`at least one value of ${name}`, at);
    const having = families.filter((family) => hasSetting(family, name));
    if (having.length === 0) refuse(`a hyperparameter of ${families.join(', ')}`, at);
    for (const family of families.filter((one) => !having.includes(one)))
      unused.push({ family, name, reason: `Expected a setting of ${family}, was none` });
    const taken = new Set<Choice>();
    for (const family of having) {
      const own = values.filter((value) => !fault(family, name, value, task));
      for (const value of own) taken.add(value);
      const reason = values.map((value) => fault(family, name, value, task)).find((one) => one !== null);
      if (reason) unused.push({ family, name, reason });
      if (own.length > 0) {
        const dimension = { kind: 'choice', name, values: own } as const;
        spaces.set(family, [...spaces.get(family)!, dimension]);
      }
    }
    const refused = values.findIndex((value) => !taken.has(value));
    if (refused >= 0) {
      const why = fault(having[0]!, name, values[refused]!, task)!;
      throw new InvalidOptionError(why, [{ pointer: `${at}/${refused}`, expected: why }]);
    }
  }
  return { spaces, unused };
}

/** Returns why a family does not take a value by itself, null when it does. */
function fault(family: string, name: string, value: Choice, task: Task): string | null {
  try {
    checkedOptions(familyOf(family), task, trialOptions(family, optionsOf(family, { [name]: value })));
    return null;
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    return `${error.extras.errors?.[0]?.expected ?? 'Expected another value'} for ${name} of ${family}`;
  }
}

function refuse(expected: string, pointer: string): never {
  throw new InvalidOptionError(`Expected ${expected}, was none`, [{ pointer, expected }]);
}
