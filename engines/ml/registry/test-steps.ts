// Random changes of models: what they are, what must come of them, and how they are made.
import fc from 'fast-check';
import type { Stage } from './records.ts';
import type { RegistryStore } from './store.ts';
import { aModel, aVersion } from './test-store.ts';

/** Models that steps are about. */
export const IDS = ['a', 'b'];
const ALIASES = ['champion', 'challenger'];

/** One change. */
export type Step =
  | { readonly do: 'create' | 'version' | 'deploy' | 'rollback'; readonly id: string; readonly pick: number }
  | { readonly do: 'late'; readonly id: string; readonly pick: number }
  | { readonly do: 'delete'; readonly id: string; readonly force: boolean }
  | { readonly do: 'alias'; readonly id: string; readonly alias: string; readonly pick: number }
  | {
      readonly do: 'stage';
      readonly id: string;
      readonly pick: number;
      readonly stage: Exclude<Stage, 'production'>;
    };

const id = fc.constantFrom(...IDS);
const pick = fc.integer({ min: 0, max: 3 });
/** Any change; most of them bear on what serves. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constantFrom('version', 'deploy', 'deploy', 'rollback'), id, pick }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('create', 'late'), id, pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete'), id, force: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('alias'), id, alias: fc.constantFrom(...ALIASES), pick }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('stage'),
      id,
      pick,
      stage: fc.constantFrom('none', 'staging', 'archived'),
    }),
  },
) as fc.Arbitrary<Step>;

/** What the registry must say of a model after some steps. */
export interface Model {
  exists: boolean;
  newest: number;
  versions: Set<number>;
  production: number | null;
  /** What a rollback goes back to, oldest first. */
  below: number[];
  aliases: Map<string, number>;
  history: [string, number | null][];
}

/** A model that was never made. */
export const fresh = (): Model => ({
  exists: false,
  newest: 0,
  versions: new Set(),
  production: null,
  below: [],
  aliases: new Map(),
  history: [],
});

/** Takes one step on the model; returns whether the registry may take it too. */
export function expected(model: Model, step: Step): boolean {
  if (step.do === 'create') {
    if (model.exists) return false;
    model.exists = true;
    return true;
  }
  if (!model.exists) return false;
  const version = 'pick' in step ? model.newest - step.pick : 0;
  switch (step.do) {
    case 'version':
      model.versions.add(++model.newest);
      return true;
    case 'deploy':
      if (!model.versions.has(version)) return false;
      if (model.production === version) return true;
      if (model.production !== null) model.below.push(model.production);
      model.production = version;
      model.history.push(['deploy', version]);
      return true;
    case 'rollback': {
      if (model.production === null || model.below.length === 0) return false;
      model.production = model.below.pop()!;
      model.history.push(['rollback', model.production]);
      return true;
    }
    case 'late':
      return false;
    case 'delete':
      if (model.production !== null && !step.force) return false;
      if (model.production !== null) model.history.push(['delete', null]);
      Object.assign(model, { ...fresh(), newest: model.newest, history: model.history });
      return true;
    case 'alias':
      if (!model.versions.has(version)) return false;
      model.aliases.set(step.alias, version);
      return true;
    case 'stage':
      return model.versions.has(version) && version !== model.production;
  }
}

/** Takes one step on the registry, as its routes do. */
export async function taken(store: RegistryStore, step: Step): Promise<void> {
  const { queries } = store;
  if (step.do === 'create') return void (await store.createModel(aModel(step.id)));
  const model = await queries.model(step.id);
  const { deployment_seq: seq, production_version, newest_version } = model;
  const version = 'pick' in step ? newest_version - step.pick : 0;
  const plain = { target: 'auto', precision: 'float32', fallback: null, seq } as const;
  switch (step.do) {
    case 'version':
      return void (await store.createVersion(step.id, aVersion(step.pick)));
    case 'deploy': {
      const below = production_version === null ? null : seq;
      return void (await store.deploy(step.id, { ...plain, kind: 'deploy', version, below }));
    }
    case 'rollback': {
      const below = await store.below(model);
      const wanted = { ...plain, kind: 'rollback', version: below.version, below: below.below_seq } as const;
      return void (await store.deploy(step.id, wanted));
    }
    case 'late':
      return void (await store.deploy(step.id, {
        ...plain,
        kind: 'deploy',
        version,
        seq: seq - 1,
        below: null,
      }));
    case 'delete':
      return void (await store.delete(step.id, { force: step.force, revision: null }));
    case 'alias':
      return store.update(
        step.id,
        { aliases: { ...(await queries.aliases(step.id)), [step.alias]: version } },
        null,
      );
    case 'stage':
      return store.setStage(step.id, version, step.stage);
  }
}
