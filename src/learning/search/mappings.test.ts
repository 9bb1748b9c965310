import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../core/errors.ts';
import { checkedOptions, FAMILIES, familyOf } from '../families.ts';
import { trialOptions, WATCHED } from './base-options.ts';
import { DEFAULT_FAMILIES, defaultPoint, defaultSpace, SEARCHED_FAMILIES } from './default-spaces.ts';
import {
  familiesOfTypes,
  hasSetting,
  optionNames,
  optionsOf,
  publishedSpaces,
  SETTINGS,
} from './mappings.ts';
import { checkPoint, checkSpace } from './space.ts';
import type { Choice } from './types.ts';

const taskOf = (family: string) =>
  familyOf(family).tasks.find((task) => task === 'regression' || task === 'classification')!;

/** The search space of the published example. */
const HYPERPARAMETERS = {
  learning_rate: [0.001, 0.01, 0.1],
  hidden_layers: [2, 4, 8],
  dropout: [0.1, 0.2, 0.3],
};

const refused = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidOptionError) return error.extras.errors?.[0]?.pointer;
    throw error;
  }
  return null;
};

describe('settings of a family', () => {
  test('set options that it has, every one of them', () => {
    for (const family of SEARCHED_FAMILIES) {
      const names = optionNames(family);
      for (const [name, setter] of Object.entries(SETTINGS[family]!)) {
        const set = setter(2, { [name]: 2 });
        expect([family, name, Object.keys(set).filter((option) => !names.includes(option))]).toEqual([
          family,
          name,
          [],
        ]);
        // A name of its own would hide the option of that name.
        expect(names).not.toContain(name);
      }
    }
  });

  test('are known for every family that learns a target, and early stopping for those that have it', () => {
    const learning = FAMILIES.filter(
      ({ tasks }) => tasks.includes('regression') || tasks.includes('classification'),
    );
    expect(Object.keys(SETTINGS)).toEqual(
      learning
        .map(({ name }) => name)
        .toSorted((a, b) => SEARCHED_FAMILIES.indexOf(a) - SEARCHED_FAMILIES.indexOf(b)),
    );
    expect(Object.keys(WATCHED).toSorted()).toEqual(
      SEARCHED_FAMILIES.filter((family) => optionNames(family).includes('patience')).toSorted(),
    );
    for (const [family, { steps }] of Object.entries(WATCHED)) expect(optionNames(family)).toContain(steps);
  });

  test('give layers of one width, whichever of the two is searched over', () => {
    expect(optionsOf('mlp', { hidden_layers: 3 })).toEqual({ hidden: [64, 64, 64] });
    expect(optionsOf('mlp', { hidden_units: 8, hidden_layers: 1 })).toEqual({ hidden: [8] });
    expect(optionsOf('cnn', { hidden_units: 16 })).toEqual({ channels: [16, 16] });
    expect(optionsOf('lstm', { hidden_layers: 2, hidden_units: 8 })).toEqual({ layers: 2, units: 8 });
    expect(optionsOf('xgboost', { subsample: 0.5, max_depth: 3 })).toEqual({ row_share: 0.5, max_depth: 3 });
  });
});

describe('the space of a family that none was given for', () => {
  test('holds, and so do its first point and its corners as options of the family', () => {
    for (const family of SEARCHED_FAMILIES) {
      const space = defaultSpace(family);
      checkSpace(space);
      checkPoint(space, defaultPoint(family));
      const corner = (pick: (values: readonly Choice[]) => Choice) =>
        Object.fromEntries(
          space.map((one) => [one.name, pick(one.kind === 'choice' ? one.values : [one.low, one.high])]),
        );
      for (const point of [defaultPoint(family), corner((of) => of[0]!), corner((of) => of.at(-1)!)]) {
        checkPoint(space, point);
        const options = trialOptions(family, optionsOf(family, point));
        expect(() => checkedOptions(familyOf(family), taskOf(family), options)).not.toThrow();
      }
    }
  });

  test('begins with the defaults of the family', () => {
    for (const family of SEARCHED_FAMILIES) {
      const defaults = checkedOptions(familyOf(family), taskOf(family), {}) as Record<string, unknown>;
      const first = optionsOf(family, defaultPoint(family));
      for (const [name, value] of Object.entries(first)) {
        // Of those without a default, or with one outside of a logarithm, the nearest is tried.
        if (['split_share', 'l2'].includes(name)) continue;
        expect([family, name, value]).toEqual([family, name, defaults[name]]);
      }
    }
  });

  test('is there for the families that a search tries by itself, and for none without a target', () => {
    for (const [task, families] of Object.entries(DEFAULT_FAMILIES)) {
      for (const family of families) {
        expect(familyOf(family).tasks).toContain(task as 'regression');
        expect(defaultSpace(family).length).toBeGreaterThan(0);
      }
    }
    expect(refused(() => defaultSpace('kmeans'))).toBe('/family');
  });
});

describe('the published search space', () => {
  test('gives each type its family and each hyperparameter its dimension, and names what plays no part', () => {
    const { families, unused } = familiesOfTypes(
      ['xgboost', 'neural_network', 'transformer'],
      'classification',
    );
    expect(families).toEqual(['xgboost', 'mlp', 'transformer']);
    expect(unused).toEqual([]);
    const published = publishedSpaces(families, HYPERPARAMETERS, 'classification');
    expect(
      Object.fromEntries(
        [...published.spaces].map(([family, space]) => [family, space.map(({ name }) => name)]),
      ),
    ).toEqual({
      xgboost: ['learning_rate'],
      mlp: ['learning_rate', 'hidden_layers', 'dropout'],
      transformer: ['learning_rate', 'hidden_layers', 'dropout'],
    });
    expect(published.unused).toEqual(
      ['hidden_layers', 'dropout'].map((name) => ({
        family: 'xgboost',
        name,
        reason: 'Expected a setting of xgboost, was none',
      })),
    );
    for (const space of published.spaces.values()) checkSpace(space);
  });

  test('keeps values for the families that take them', () => {
    const { spaces, unused } = publishedSpaces(['mlp', 'lstm'], { hidden_layers: [2, 12] }, 'regression');
    expect(spaces.get('mlp')).toEqual([{ kind: 'choice', name: 'hidden_layers', values: [2, 12] }]);
    expect(spaces.get('lstm')).toEqual([{ kind: 'choice', name: 'hidden_layers', values: [2] }]);
    expect(unused).toEqual([
      { family: 'lstm', name: 'hidden_layers', reason: expect.stringContaining('<=8') },
    ]);
  });

  test('is refused for names and values that no family takes, by their place', () => {
    const at = (hyperparameters: Record<string, Choice[]>) =>
      refused(() => publishedSpaces(['xgboost', 'mlp'], hyperparameters, 'regression'));
    expect(at({ depth_of_thought: [1] })).toBe('/search_space/hyperparameters/depth_of_thought');
    expect(at({ dropout: [] })).toBe('/search_space/hyperparameters/dropout');
    expect(at({ dropout: [0.1, 2] })).toBe('/search_space/hyperparameters/dropout/1');
    expect(at({ hidden_layers: [1e9] })).toBe('/search_space/hyperparameters/hidden_layers/0');
    expect(at({ hidden_units: ['many'] })).toBe('/search_space/hyperparameters/hidden_units/0');
    expect(hasSetting('mlp', 'constructor')).toBe(false);
  });

  test('knows linear models by the task, and says which types do not learn it', () => {
    expect(familiesOfTypes(['linear', 'xgboost'], 'classification').families).toEqual([
      'logistic',
      'xgboost',
    ]);
    const { families, unused } = familiesOfTypes(['linear', 'ridge', 'market_regime', 'lasso'], 'regression');
    expect(families).toEqual(['ridge', 'lasso']);
    expect(unused.map(({ name }) => name)).toEqual(['market_regime']);
    expect(refused(() => familiesOfTypes(['oracle'], 'regression'))).toBe('/search_space/model_types/0');
    expect(refused(() => familiesOfTypes(['ridge'], 'classification'))).toBe('/search_space/model_types');
    expect(refused(() => familiesOfTypes(['kmeans'], 'regression'))).toBe('/search_space/model_types');
  });
});
