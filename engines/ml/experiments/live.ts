// The experiments that have not ended, in memory: answered by, counted, and moved on by what they decide.
import { NautilusError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import type { ModelsService } from '../registry/service.ts';
import type { PredictReply, PredictRequest } from '../serving/schemas.ts';
import type { Serving } from '../serving/serving.ts';
import { Answering } from './answering.ts';
import type { ExperimentMetrics } from './metrics.ts';
import { type PromotionParts, promoteArm, takeBack } from './promotion.ts';
import { MAX_PREDICTIONS, type Recorded, type Recorder } from './recorder.ts';
import type { AuditRow, Experiment } from './records.ts';
import { Running } from './running.ts';
import { isRefusal } from './setup.ts';
import { activeRows, countPredictions, experimentOf, rowOf, writeAudit } from './store.ts';
import { change } from './transitions.ts';

/** Requests that are stored together, and milliseconds that one waits for others. */
const FLUSH_REQUESTS = 256;
const FLUSH_MS = 250;
/** Between two looks at which experiments are over. */
const SWEEP_MS = 5000;

/** What experiments need of the engine around them. */
export interface ExperimentsParts {
  readonly models: Pick<ModelsService, 'registry' | 'deployer' | 'change'>;
  readonly serving: Pick<Serving, 'predict' | 'batch' | 'checkBatch' | 'model'>;
}

type Wanted = Parameters<Serving['predict']>[2];

/** Experiments under way. */
export class LiveExperiments {
  readonly #context: EngineContext;
  readonly #serving: ExperimentsParts['serving'];
  readonly #promotion: PromotionParts;
  readonly #recorder: Recorder;
  readonly #answering: Answering;
  readonly #metrics: ExperimentMetrics;
  /** By the model whose requests they divide. */
  readonly #running = new Map<string, Running>();
  /** Promotions and rollbacks under way. */
  readonly #moves = new Set<Promise<void>>();
  #sweeping: ReturnType<typeof setInterval> | undefined;
  #stopped = false;

  constructor(
    context: EngineContext,
    { models, serving }: ExperimentsParts,
    recorder: Recorder,
    metrics: ExperimentMetrics,
  ) {
    this.#context = context;
    this.#serving = serving;
    this.#promotion = { deployer: models.deployer, store: models.registry.store };
    this.#recorder = recorder;
    this.#metrics = metrics;
    this.#answering = new Answering({
      serving,
      nowUs: () => context.clock.nowUs(),
      happened: (running, isUrgent) => this.#happened(running, isUrgent),
      answered: (modelId, arm, outcome) => metrics.answered(modelId, arm, outcome),
    });
  }

  get size(): number {
    return this.#running.size;
  }

  /** Goes on with what ran before a restart; a promotion that was not done is tried again. */
  async start(): Promise<void> {
    const { database } = this.#context;
    for (const row of await activeRows(database)) {
      const experiment = await experimentOf(database, row);
      const { kept } = await countPredictions(database, row.experiment_id);
      this.#running.set(row.model_id, new Running(experiment, kept));
    }
    for (const [id, running] of this.#running) {
      if (running.experiment.row.state === 'decided') this.#move(running, 'promote');
      this.changed(id);
    }
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweeping.unref();
  }

  /** Stores what was counted, and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#sweeping);
    await Promise.all(
      [...this.#running.values()].map((running) => this.#drain(running).catch(() => undefined)),
    );
    await Promise.allSettled(this.#moves);
  }

  /**
   * Answers a request: by an arm where the model that it names has an experiment, and as `Serving.predict` does else. The `x-request-id` among `headers` is
   * the key of a request that has neither key nor symbol. Throws as that does.
   */
  predict(
    request: PredictRequest,
    signal?: AbortSignal,
    headers?: Pick<Headers, 'get'>,
    wanted?: Wanted,
  ): Promise<PredictReply> {
    const running = request.model_id === undefined ? undefined : this.#running.get(request.model_id);
    if (running === undefined || running.experiment.row.state === 'decided')
      return this.#serving.predict(request, signal, wanted);
    const key = request.key ?? request.symbol ?? (headers?.get('x-request-id') || newId());
    return this.#answering.answer(running, key.slice(0, 128), request, signal, wanted);
  }

  /** Begins to divide requests. */
  add(experiment: Experiment): void {
    const { model_id } = experiment.row;
    this.#running.set(model_id, new Running(experiment));
    // The model of an arm may have been deleted since it was looked up.
    this.changed(model_id);
  }

  /** Looks whether an experiment can go on after a change of a model: another deployment or a deletion ends it. Never throws. */
  changed(modelId: string): void {
    for (const running of this.#running.values()) {
      const { row, definition } = running.experiment;
      if (row.model_id !== modelId && !definition.arms.some((arm) => arm.model_id === modelId)) continue;
      this.#background(running, this.#checkModels(running));
    }
  }

  async #checkModels(running: Running): Promise<void> {
    const { units, clock } = this.#context;
    await units.run(async (unit) => {
      const { tx } = unit;
      const row = await rowOf(tx, running.id);
      if (!row || row.ended_us !== null) return;
      const experiment = await experimentOf(tx, row);
      const ids = new Set([row.model_id, ...experiment.definition.arms.map((arm) => arm.model_id)]);
      let reason: string | null = null;
      for (const id of ids) {
        const model = await tx.get<{ deployment_seq: number; deleted_us: number | null; created_us: number }>(
          'SELECT deployment_seq, deleted_us, created_us FROM models WHERE model_id = ?',
          id,
        );
        // One of the same id that was made since is another model.
        if (!model || model.deleted_us !== null || model.created_us > row.created_us)
          reason = `the model ${id} was deleted`;
        else if (id === row.model_id && model.deployment_seq !== (row.promoted_seq ?? row.deployment_seq))
          reason ??= 'another version was deployed';
      }
      if (reason === null) return;
      const state = row.state === 'watching' ? 'promoted' : 'ended';
      await change(
        unit,
        experiment,
        { action: 'ended', actor: 'engine', state, reason, ends: true },
        clock.nowUs(),
      );
    });
    await this.refresh(running.id);
  }

  /** Stores everything that happened to an experiment so far. Throws what the database throws. */
  async settle(id: string): Promise<void> {
    const running = this.#runningOf(id);
    if (running) await this.#drain(running);
  }

  async #stored(id: string): Promise<Experiment> {
    const { database } = this.#context;
    return experimentOf(database, (await rowOf(database, id))!);
  }

  #runningOf(id: string): Running | undefined {
    for (const running of this.#running.values()) if (running.id === id) return running;
    return undefined;
  }

  /** Takes an experiment into memory as it is stored, or out of it when it has ended. */
  async refresh(id: string): Promise<void> {
    const experiment = await this.#stored(id);
    this.#keep(experiment);
  }

  #keep(experiment: Experiment): void {
    const { row } = experiment;
    const running = this.#runningOf(row.experiment_id);
    if (!running) return;
    if (row.state !== running.experiment.row.state) this.#metrics.became(row.state);
    running.update(experiment);
    if (row.ended_us === null) return;
    this.#recorder.forget(row.experiment_id);
    if (this.#running.get(row.model_id) === running) this.#running.delete(row.model_id);
  }

  /** Takes what was stored. */
  took({ experiment, move }: Recorded): void {
    const running = this.#runningOf(experiment.row.experiment_id);
    this.#keep(experiment);
    if (running && move) this.#move(running, move);
  }

  #happened(running: Running, isUrgent: boolean): void {
    if (isUrgent || running.waiting >= FLUSH_REQUESTS) this.#background(running, this.#flush(running));
    else
      running.timer ??= setTimeout(() => {
        running.timer = undefined;
        this.#background(running, this.#flush(running));
      }, FLUSH_MS);
  }

  /** Stores what waits, after what is being stored. Throws what the database throws; then it waits on. */
  #flush(running: Running): Promise<void> {
    if (running.queued) return running.queued;
    const queued = running.writing.then(() => {
      running.queued = undefined;
      return this.#write(running);
    });
    running.queued = queued;
    running.writing = queued.catch(() => undefined);
    return queued;
  }

  async #write(running: Running): Promise<void> {
    clearTimeout(running.timer);
    running.timer = undefined;
    if (running.waiting === 0 && !this.#isOver(running)) return;
    const taken = running.take();
    try {
      const recorded = await this.#recorder.store(running.id, taken);
      if (recorded) this.took(recorded);
      else await this.refresh(running.id);
    } catch (error) {
      running.giveBack(taken);
      throw error;
    }
  }

  /** Waits for what runs in the shadow, and stores everything. */
  async #drain(running: Running): Promise<void> {
    await Promise.allSettled([...running.pending]);
    await this.#flush(running);
  }

  #isOver({ experiment: { row, definition } }: Running): boolean {
    const ageS = (this.#context.clock.nowUs() - row.created_us) / 1e6;
    return row.state === 'running' && ageS >= definition.max_duration_s;
  }

  #sweep(): void {
    for (const running of this.#running.values()) {
      if (this.#isOver(running) || running.waiting > 0) this.#background(running, this.#flush(running));
      if (running.kept >= MAX_PREDICTIONS) this.#background(running, this.#recount(running));
    }
  }

  // Some have waited too long meanwhile and made room.
  async #recount(running: Running): Promise<void> {
    running.kept = (await countPredictions(this.#context.database, running.id)).kept;
  }

  /** Deploys the winner or takes it back, once at a time. */
  #move(running: Running, move: 'promote' | 'rollback'): void {
    if (running.isMoving || this.#stopped) return;
    running.isMoving = true;
    const { id } = running;
    const work = async () => {
      const experiment = await this.#stored(id);
      const { definition, row } = experiment;
      if (move === 'promote') {
        const arm = definition.arms.find(({ name }) => name === row.winner)!;
        await this.lostIs(id, 'promotion_lost', 'engine', () =>
          promoteArm(this.#promotion, experiment, arm, 'engine'),
        );
      } else {
        const reason = 'a guardrail broke after the promotion';
        await this.lostIs(id, 'rollback_lost', 'engine', () =>
          takeBack(this.#promotion, experiment, 'engine', reason),
        );
      }
    };
    const done = work()
      .catch((err) => this.#context.log.warn({ err, experiment_id: id, move }, 'what serves stays as it is'))
      .then(() => this.refresh(id).catch(() => undefined))
      .finally(() => {
        running.isMoving = false;
        this.#moves.delete(done);
      });
    this.#moves.add(done);
  }

  /** Runs a move, and takes down why it did not happen. An automatic one is not tried again: a person decides. */
  async lostIs(
    id: string,
    action: string,
    actor: AuditRow['actor'],
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { units, clock } = this.#context;
      const why =
        error instanceof NautilusError ? { type: error.slug, detail: error.message } : { type: 'internal' };
      await units.run(async (unit) => {
        const { tx } = unit;
        const row = await rowOf(tx, id);
        if (!row) return;
        const experiment = await experimentOf(tx, row);
        const now = clock.nowUs();
        if (actor === 'person' || row.ended_us !== null) return writeAudit(tx, id, action, actor, why, now);
        const reason = `${action.replace('_', ' ')}: ${isRefusal(error) ? error.message : 'the version did not pass its trial'}`;
        const state = row.state === 'watching' ? 'promoted' : row.state;
        await change(unit, experiment, { action, actor, state, reason, detail: why, ends: true }, now);
      });
      throw error;
    }
  }

  #background(running: Running, work: Promise<unknown>): void {
    work.catch((err) => {
      if (!this.#stopped)
        this.#context.log.warn({ err, experiment_id: running.id }, 'an experiment is not stored yet');
    });
  }
}
