// A winner becomes what serves, and is taken back, in one transaction with the experiment: whoever comes second finds it changed.
import type { Unit } from '../../../src/bus/unit.ts';
import { ConflictError } from '../../../src/core/errors.ts';
import type { Deployer } from '../registry/deployer.ts';
import type { DeploymentRow } from '../registry/records.ts';
import type { Joined, RegistryStore } from '../registry/store.ts';
import type { Arm, AuditRow, Experiment } from './records.ts';
import type { State } from './schemas.ts';
import { experimentOf, rowOf } from './store.ts';
import { change, type Transition } from './transitions.ts';

/** What promotions work with. */
export interface PromotionParts {
  readonly deployer: Pick<Deployer, 'deploy' | 'rollback'>;
  readonly store: Pick<RegistryStore, 'queries'>;
}

/** Deploys an arm. Throws ConflictError where another deployment, or another decision on the experiment, came first, and what the deployer throws. */
export async function promoteArm(
  { deployer, store }: PromotionParts,
  { row, definition }: Experiment,
  arm: Arm,
  actor: AuditRow['actor'],
): Promise<void> {
  if (arm.model_id !== row.model_id) {
    throw new ConflictError(
      `Expected an arm that is a version of ${row.model_id}: another model can't be deployed in its place`,
    );
  }
  const model = await store.queries.model(row.model_id);
  const serving =
    model.production_version === null
      ? null
      : await store.queries.deployment(row.model_id, model.deployment_seq);
  const isWatched = actor === 'engine' && definition.watch_requests > 0;
  const joined = joinedTo(row.experiment_id, row.deployment_seq, ['running', 'decided'], (deployment) => ({
    action: 'promoted',
    actor,
    state: isWatched ? 'watching' : 'promoted',
    winner: arm.name,
    promoted_seq: deployment.seq,
    detail: { arm: arm.name, version: `${arm.version}`, deployment_seq: deployment.seq },
    ends: !isWatched,
  }));
  const target = arm.precision === 'int8' ? 'cpu' : (serving?.target ?? 'auto');
  const precision = arm.precision === 'int8' ? 'int8' : 'auto';
  // What the variant costs was accepted when it became an arm.
  await deployer.deploy(
    row.model_id,
    { version: `${arm.version}`, target, precision, allow_fallback: true, max_cost: 1 },
    joined,
  );
}

/** Lets serve again what served before a promotion. Throws ConflictError where something else serves by now, and what the deployer throws. */
export async function takeBack(
  { deployer }: PromotionParts,
  { row }: Experiment,
  actor: AuditRow['actor'],
  reason: string | null,
): Promise<void> {
  const { promoted_seq } = row;
  if (promoted_seq === null) throw new ConflictError('Expected an experiment with a promoted arm, had none');
  // The arm served before the experiment: below it is what somebody else replaced.
  if (promoted_seq === row.deployment_seq)
    throw new ConflictError('Expected an arm that its promotion deployed, served before the experiment');
  const joined = joinedTo(row.experiment_id, promoted_seq, ['promoted', 'watching'], (deployment) => ({
    action: 'rolled_back',
    actor,
    state: 'rolled_back',
    reason,
    detail: { version: `${deployment.version}`, deployment_seq: deployment.seq },
    ends: true,
  }));
  await deployer.rollback(row.model_id, joined);
}

function joinedTo(
  id: string,
  seq: number,
  states: readonly State[],
  transitionOf: (deployment: DeploymentRow) => Transition,
): Joined {
  let found: Experiment | null = null;
  return {
    seq,
    async check({ tx }: Unit) {
      const row = await rowOf(tx, id);
      found = row && (await experimentOf(tx, row));
      checkState(found, states);
    },
    async write(unit, deployment, nowUs) {
      await change(unit, found!, transitionOf(deployment), nowUs);
    },
  };
}

/** Throws ConflictError for an experiment in another state. */
export function checkState(experiment: Experiment | null, states: readonly State[]): void {
  const state = experiment?.row.state;
  if (state && states.includes(state)) return;
  throw new ConflictError(`Expected an experiment that is ${states.join(' or ')}, was ${state ?? 'gone'}`, {
    ...(state && { state }),
  });
}
