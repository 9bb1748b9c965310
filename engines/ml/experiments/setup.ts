// From what is asked for to an experiment that can run: references resolved, models opened, everything that contradicts refused.
import { ConflictError, InvalidOptionError, NautilusError, NotFoundError } from '../../../src/core/errors.ts';
import { splitReference } from '../model-source.ts';
import type { ModelRow } from '../registry/records.ts';
import { precisionOf, type RegistryStore } from '../registry/store.ts';
import type { ServedModel } from '../serving/models.ts';
import type { Arm, Definition } from './records.ts';
import type { ExperimentRequest } from './schemas.ts';
import { type Scored, unfitFor } from './scoring.ts';

/** What an experiment begins with. */
export interface Setup {
  readonly definition: Definition;
  readonly weights: readonly number[];
  /** The newest deployment when its arms were looked up. */
  readonly deploymentSeq: number;
}

/** Opens a model by its reference. */
export type OpenModel = (reference: string) => Promise<ServedModel>;

const DEFAULT_ARMS: NonNullable<ExperimentRequest['arms']> = [{ model: 'production' }, { model: 'latest' }];

/**
 * Returns what a request asks for. Throws NotFoundError for an unknown model, InvalidOptionError for arms that can't be compared, or a metric
 * that they have not, and what opening a model throws.
 */
export async function setupOf(
  request: ExperimentRequest,
  { queries }: RegistryStore,
  open: OpenModel,
): Promise<Setup> {
  const { model_id, mode, metric, auto_promote, canary } = request;
  const model = await queries.model(model_id);
  const asked = request.arms ?? DEFAULT_ARMS;
  const arms: Arm[] = [];
  for (const [i, { name, model: reference }] of asked.entries()) {
    const pointer = `/arms/${i}`;
    const arm = await armOf(queries, model, name ?? defaultName(i), reference, pointer);
    if (arms.some((other) => other.name === arm.name))
      throw refusal(`${pointer}/name`, 'another name than an arm before');
    if (arms.some((other) => other.reference === arm.reference))
      throw refusal(`${pointer}/model`, 'another version than an arm before');
    arms.push(arm);
  }
  const foreign = arms.findIndex((arm) => arm.model_id !== model_id);
  if (auto_promote && foreign >= 0)
    throw refusal(
      `/arms/${foreign}/model`,
      `a version of ${model_id}, which alone can be deployed, with auto_promote`,
    );
  const opened: ServedModel[] = [];
  for (const { reference } of arms) opened.push(await open(reference));
  const scored = comparable(opened);
  const unfit = unfitFor(metric, scored);
  if (unfit !== null) throw refusal('/metric', `a metric of these models: ${metric} needs ${unfit}`);
  const {
    name = null,
    alpha,
    min_samples,
    max_duration_s,
    outcome_window_s,
    watch_requests,
    guardrails,
  } = request;
  const options = { alpha, min_samples, max_duration_s, outcome_window_s, watch_requests, guardrails };
  return {
    definition: { name, mode, metric, auto_promote, canary, ...options, arms, scored },
    weights: weightsOf(request, arms.length),
    deploymentSeq: model.deployment_seq,
  };
}

function weightsOf({ mode, arms, canary }: ExperimentRequest, count: number): number[] {
  if (mode === 'shadow') return Array.from({ length: count }, (_, arm) => (arm === 0 ? 1 : 0));
  if (mode === 'canary') return [1 - canary.steps[0]!, canary.steps[0]!];
  const given = arms?.map(({ weight }) => weight) ?? [];
  return Array.from({ length: count }, (_, arm) => given[arm] ?? 1 / count);
}

const defaultName = (arm: number) => (arm === 0 ? 'control' : arm === 1 ? 'challenger' : `challenger-${arm}`);

async function armOf(
  queries: RegistryStore['queries'],
  model: ModelRow,
  name: string,
  asked: string,
  pointer: string,
): Promise<Arm> {
  const { id, name: reference } = splitReference(asked.includes('@') ? asked : `${model.model_id}@${asked}`);
  const isInt8 = reference!.endsWith('+int8');
  try {
    const its = id === model.model_id ? model : await queries.model(id);
    const { version } = await queries.named(id, reference!.replace(/\+int8$/, ''));
    // What serves in 8 bits is compared in 8 bits.
    const deployed =
      version === its.production_version ? await queries.deployment(id, its.deployment_seq) : null;
    const precision = isInt8 || (deployed && precisionOf(deployed) === 'int8') ? 'int8' : 'float32';
    const whole = `${id}@${version}`;
    return {
      name,
      model_id: id,
      version,
      precision,
      reference: precision === 'int8' ? `${whole}+int8` : whole,
    };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw refusal(
      `${pointer}/model`,
      `a version or an alias of a registered model, such as ${model.model_id}@latest`,
    );
  }
}

/** Returns what the models have in common. Throws InvalidOptionError where they read or say different things. */
function comparable(models: readonly ServedModel[]): Scored {
  const facts = models.map(({ card, pooled }) => ({
    inputs: card.inputs.map(({ name }) => name),
    scored: { task: card.model_type, width: pooled.width, classes: card.output.classes ?? null },
  }));
  const [first, ...others] = facts as [(typeof facts)[number], ...(typeof facts)[number][]];
  for (const [i, other] of others.entries()) {
    const pointer = `/arms/${i + 1}/model`;
    if (!isSame(other.inputs, first.inputs)) throw refusal(pointer, 'a model with the inputs of the control');
    if (!isSame(other.scored, first.scored))
      throw refusal(pointer, 'a model with the task, the numbers and the classes of the control');
  }
  return first.scored;
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** The error of a model that already has an experiment. */
export function secondExperiment(experimentId: string): ConflictError {
  return new ConflictError('Expected a model without a running experiment, had one', {
    experiment_id: experimentId,
  });
}

/** Whether an error is about the request or the state, not about us. */
export function isRefusal(error: unknown): error is NautilusError {
  return error instanceof NautilusError && error.status < 500;
}

function refusal(pointer: string, expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
}
