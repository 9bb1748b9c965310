// The experiments of the engine: made, answered by, counted, decided, promoted and taken back.
import { ConflictError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { bucketOf, Split, seedOf } from '../../../src/learning/experiments/assign.ts';
import type { BatchRequest, PredictReply } from '../serving/schemas.ts';
import { wantedBy } from '../serving/serving.ts';
import { type ExperimentsParts, LiveExperiments } from './live.ts';
import { ExperimentMetrics } from './metrics.ts';
import { auditOf, lineOf, pageOf } from './page.ts';
import { checkState, promoteArm, takeBack } from './promotion.ts';
import { Recorder } from './recorder.ts';
import { type Experiment, type ExperimentRow, NO_RESULT, NO_TALLY } from './records.ts';
import {
  type AuditQuery,
  addUpToOne,
  type ExperimentPage,
  type ExperimentRequest,
  type ExperimentsQuery,
  type OutcomesRequest,
  type PromoteRequest,
  type RampRequest,
} from './schemas.ts';
import { METRIC_FACTS } from './scoring.ts';
import { secondExperiment, setupOf } from './setup.ts';
import {
  activeOf,
  auditRows,
  countPredictions,
  experimentOf,
  insertExperiment,
  listRows,
  rampsOf,
  rowOf,
  writeAudit,
  writeRamp,
} from './store.ts';
import { change, type Transition, tell } from './transitions.ts';

/** State and decisions of experiments. */
export class Experiments {
  readonly #context: EngineContext;
  readonly #parts: ExperimentsParts;
  readonly #recorder: Recorder;
  readonly #metrics: ExperimentMetrics;
  readonly #live: LiveExperiments;

  constructor(context: EngineContext, parts: ExperimentsParts) {
    this.#context = context;
    this.#parts = parts;
    this.#recorder = new Recorder(context);
    this.#metrics = new ExperimentMetrics(context.metrics.registry, () => this.#live.size);
    this.#live = new LiveExperiments(context, parts, this.#recorder, this.#metrics);
  }

  start(): Promise<void> {
    return this.#live.start();
  }

  stop(): Promise<void> {
    return this.#live.stop();
  }

  /** What `/system/status` says of them. */
  status() {
    return { running: this.#live.size };
  }

  /** As `LiveExperiments.predict`. */
  predict(...asked: Parameters<LiveExperiments['predict']>): Promise<PredictReply> {
    return this.#live.predict(...asked);
  }

  /**
   * Answers a batch. One with a key is a request of several rows: all by the arm of its key where its model has an experiment. Throws as `Serving.batch`
   * does.
   */
  async batch(request: BatchRequest, signal: AbortSignal): Promise<PredictReply> {
    const { serving } = this.#parts;
    const { model_id, key, inputs, timeout_ms } = request;
    if (key === undefined) return serving.batch(request, signal);
    serving.checkBatch(request);
    return this.#live.predict({ model_id, key, inputs, timeout_ms }, signal, undefined, wantedBy(request));
  }

  /** As `LiveExperiments.changed`. */
  changed(modelId: string): void {
    this.#live.changed(modelId);
  }

  /** Begins an experiment. Throws ConflictError for a model that has one, and as `setupOf` does. */
  async create(request: ExperimentRequest): Promise<ExperimentPage> {
    const { model_id } = request;
    const { models, serving } = this.#parts;
    const { database, clock, units, config } = this.#context;
    const before = await activeOf(database, model_id);
    if (before) throw secondExperiment(before.experiment_id);
    const control = { timeoutMs: config.defaultTimeoutMs };
    const open = (reference: string) =>
      serving.model(reference, { asked: 'auto', allowFallback: true }, control);
    const setup = await models.change(model_id, () => setupOf(request, models.registry.store, open));
    const experiment = await units.run(async (unit) => {
      const { tx } = unit;
      const other = await activeOf(tx, model_id);
      if (other) throw secondExperiment(other.experiment_id);
      const model = await tx.get<{ deployment_seq: number; deleted_us: number | null }>(
        'SELECT deployment_seq, deleted_us FROM models WHERE model_id = ?',
        model_id,
      );
      if (!model || model.deleted_us !== null)
        throw new NotFoundError('Expected the id of a registered model');
      if (model.deployment_seq !== setup.deploymentSeq)
        throw new ConflictError('Expected no deployment meanwhile, was one', { model_id });
      const now = clock.nowUs();
      const row: ExperimentRow = {
        experiment_id: newId(),
        model_id,
        mode: request.mode,
        state: 'running',
        reason: null,
        definition: JSON.stringify(setup.definition),
        result: JSON.stringify(NO_RESULT),
        stage: 0,
        winner: null,
        deployment_seq: setup.deploymentSeq,
        promoted_seq: null,
        created_us: now,
        updated_us: now,
        ended_us: null,
      };
      insertExperiment(tx, row);
      writeRamp(tx, row.experiment_id, 0, setup.weights, now);
      const { definition, weights } = setup;
      const detail = { metric: definition.metric, arms: definition.arms, weights };
      await writeAudit(tx, row.experiment_id, 'created', 'person', detail, now);
      const tallies = definition.arms.map(() => NO_TALLY);
      const made = { row, definition, result: NO_RESULT, ramps: [weights], tallies, watch: NO_TALLY };
      tell(unit, made, now);
      return made;
    });
    this.#live.add(experiment);
    return pageOf(experiment, 0);
  }

  async list(query: ExperimentsQuery) {
    const rows = await listRows(this.#context.database, query);
    const next_cursor = rows.length === query.limit ? rows.at(-1)!.experiment_id : null;
    return { experiments: rows.map(lineOf), next_cursor };
  }

  /** Everything that is known by now. Throws NotFoundError. */
  async page(id: string): Promise<ExperimentPage> {
    const { database } = this.#context;
    await this.#live.settle(id);
    const experiment = await this.#stored(id);
    return pageOf(experiment, (await countPredictions(database, id)).waiting);
  }

  /** Counts what came true. Throws NotFoundError, InvalidOptionError and ShapeMismatchError before anything is counted. */
  async outcomes(id: string, request: OutcomesRequest) {
    await this.#live.settle(id);
    const { definition } = await this.#stored(id);
    if (METRIC_FACTS[definition.metric].needs === null) {
      const field = { pointer: '/outcomes', expected: `no outcomes: ${definition.metric} needs none` };
      throw new InvalidOptionError(`Expected ${field.expected}`, [field]);
    }
    const settled = await this.#recorder.outcomes(id, request);
    if (!settled) throw new NotFoundError('Expected the id of an experiment');
    const { recorded, ...reply } = settled;
    this.#metrics.settled(reply);
    if (recorded) this.#live.took(recorded);
    return reply;
  }

  /** Changes the shares. Throws NotFoundError, ConflictError (not running, or shadow) and InvalidOptionError. */
  async ramp(id: string, { weights }: RampRequest): Promise<ExperimentPage> {
    await this.#person(id, ['running'], ({ row, definition, result }) => {
      if (row.mode === 'shadow')
        throw new ConflictError(
          'Expected an experiment with shares, was one in the shadow: each arm runs for every key',
        );
      const names = definition.arms.map(({ name }) => name);
      const refuse = (expected: string) => {
        throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/weights', expected }]);
      };
      const given = Object.keys(weights);
      if (given.length !== names.length || !names.every((name) => Object.hasOwn(weights, name)))
        refuse(`a weight for each of ${names.join(', ')}`);
      const list = names.map((name) => weights[name]!);
      if (!addUpToOne(list)) refuse('weights that add up to 1');
      const back = result.out.find((name) => weights[name]! > 0);
      if (back !== undefined) refuse(`no weight for ${back}, which is out`);
      return { action: 'ramped', actor: 'person', weights: list, detail: { weights } };
    });
    return this.page(id);
  }

  /** Ends an experiment as it is; the control answers again. Throws NotFoundError and ConflictError. */
  async stopExperiment(id: string): Promise<ExperimentPage> {
    await this.#person(id, ['running', 'decided', 'watching'], ({ row }) =>
      // What was promoted stays.
      row.state === 'watching'
        ? {
            action: 'stopped',
            actor: 'person',
            state: 'promoted',
            reason: 'the watch was stopped',
            ends: true,
          }
        : { action: 'stopped', actor: 'person', state: 'stopped', reason: 'stopped by a person', ends: true },
    );
    return this.page(id);
  }

  /** Deploys an arm, the winner by default. Throws NotFoundError, ConflictError, InvalidOptionError, and what the deployer throws. */
  async promote(id: string, { arm: asked }: PromoteRequest): Promise<ExperimentPage> {
    await this.#live.settle(id);
    const experiment = await this.#stored(id);
    checkState(experiment, ['running', 'decided']);
    const { definition, row } = experiment;
    const name = asked ?? row.winner;
    const arm = definition.arms.find((one) => one.name === name);
    if (!arm) {
      const expected = `one of ${definition.arms.map((one) => one.name).join(', ')}${asked === undefined ? ': nothing is decided yet' : ''}`;
      throw new InvalidOptionError(`Expected ${expected} for /arm`, [{ pointer: '/arm', expected }]);
    }
    await this.#live.lostIs(id, 'promotion_lost', 'person', () =>
      promoteArm(this.#store(), experiment, arm, 'person'),
    );
    await this.#live.refresh(id);
    return this.page(id);
  }

  /** Gives all keys back to the control, or takes a promotion back. Throws NotFoundError, ConflictError, and what the deployer throws. */
  async rollback(id: string): Promise<ExperimentPage> {
    const experiment = await this.#stored(id);
    const { state } = experiment.row;
    if (state === 'promoted' || state === 'watching') {
      await this.#live.lostIs(id, 'rollback_lost', 'person', () =>
        takeBack(this.#store(), experiment, 'person', 'rolled back by a person'),
      );
      await this.#live.refresh(id);
    } else
      await this.#person(id, ['running', 'decided'], ({ definition }) => ({
        action: 'rolled_back',
        actor: 'person',
        state: 'rolled_back',
        winner: definition.arms[0]!.name,
        reason: 'rolled back by a person',
        ends: true,
      }));
    return this.page(id);
  }

  async audit(id: string, query: AuditQuery) {
    await this.#stored(id);
    const rows = await auditRows(this.#context.database, id, query);
    const next_cursor = rows.length === query.limit ? rows.at(-1)!.seq : null;
    return { entries: rows.map(auditOf), next_cursor };
  }

  /** The arm of a key now, or at the end of an experiment. Throws NotFoundError. */
  async assignment(id: string, key: string) {
    const { definition, row } = await this.#stored(id);
    const ramps = await rampsOf(this.#context.database, id);
    const at = definition.mode === 'shadow' ? 0 : new Split(id, ramps).armOf(key);
    const arm = definition.arms[at]!.name;
    return { experiment_id: id, key, arm, bucket: bucketOf(seedOf(id), key), stage: row.stage };
  }

  /** Changes an experiment on behalf of a person; `transitionOf` throws what it refuses. */
  async #person(
    id: string,
    states: Parameters<typeof checkState>[1],
    transitionOf: (experiment: Experiment) => Transition,
  ): Promise<void> {
    await this.#live.settle(id);
    const { units, clock } = this.#context;
    await units.run(async (unit) => {
      const row = await rowOf(unit.tx, id);
      if (!row) throw new NotFoundError('Expected the id of an experiment');
      const experiment = await experimentOf(unit.tx, row);
      checkState(experiment, states);
      await change(unit, experiment, transitionOf(experiment), clock.nowUs());
    });
    await this.#live.refresh(id);
  }

  async #stored(id: string): Promise<Experiment> {
    const { database } = this.#context;
    const row = await rowOf(database, id);
    if (!row) throw new NotFoundError('Expected the id of an experiment');
    return experimentOf(database, row);
  }

  #store() {
    const { deployer, registry } = this.#parts.models;
    return { deployer, store: registry.store };
  }
}
