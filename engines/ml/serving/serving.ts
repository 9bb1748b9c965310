// Predictions on request: which model, which hardware, and the reply.
import {
  BackendUnavailableError,
  ConflictError,
  InsufficientHistoryError,
  InvalidOptionError,
  NautilusError,
  NotFoundError,
} from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { FEATURE_BARS } from '../../../src/indicators/feature-set.ts';
import { rowsByRecipe } from '../features/posted.ts';
import type { ModelSource, ServedCard } from '../model-source.ts';
import type { Answered } from '../monitoring/rows.ts';
import type { Latest } from '../prediction-stream.ts';
import { readsStream } from '../stream-model.ts';
import { ServingMetrics } from './metrics.ts';
import { type Asked, type ServedModel, ServedModels } from './models.ts';
import { ModelPool } from './pool.ts';
import { type Prediction, Predictor, type Rows } from './predictor.ts';
import { checkOutput, joinReplies, providerOf, replyOf, rowsOf, timeoutOf } from './rows.ts';
import type { AsyncRequest, BatchRequest, HardwareRequest, PredictReply, PredictRequest } from './schemas.ts';
import type { RunControl } from './task.ts';

/** What serving needs of the engine around it. */
export interface ServingParts {
  readonly source: ModelSource;
  /** Returns the reference that a request means, the model of the stream by default. Throws when that does not load. */
  readonly reference: (asked: string | undefined) => Promise<string>;
  /** Returns the newest inputs of an instrument; undefined when none came. */
  readonly latest: (symbol: string) => Latest | undefined;
  /** Hears of rows that were answered. */
  readonly answered: (card: Pick<ServedCard, 'model_id'>, rows: number, seconds: number) => void;
  /** Takes rows of a model that is watched, and returns the id that their outcomes can name; undefined where nobody watches. */
  readonly observe?: (
    card: ServedCard,
    answered: Answered,
    ms: number,
    key: string | null,
  ) => string | undefined;
}

/** Milliseconds that a process may take to start. */
const START_MS = 30_000;

interface Wanted {
  readonly asked: Asked;
  readonly allowFallback: boolean;
  /** What the caller calls the request by. */
  readonly key?: string | undefined;
}

const ANYWHERE: Wanted = { asked: 'auto', allowFallback: true };

/** Answers predictions. */
export class Serving {
  readonly models: ServedModels;
  readonly predictor: Predictor;
  readonly #pool: ModelPool;
  readonly #parts: ServingParts;
  readonly #timeoutMs: number;
  readonly #maxBatchRows: number;

  constructor({ config, log, metrics: { registry }, routing }: EngineContext, parts: ServingParts) {
    const { serving, defaultTimeoutMs } = config;
    this.#parts = parts;
    this.#timeoutMs = defaultTimeoutMs;
    this.#maxBatchRows = serving.maxBatchRows;
    const metrics = new ServingMetrics(registry, () => ({
      waiting: this.#pool.waiting,
      processes: this.#pool.pids.length,
      cacheBytes: this.models.bytes,
    }));
    this.#pool = new ModelPool({
      ...serving,
      startMs: START_MS,
      events: {
        ran: ({ modelId }, requests, rows) => metrics.ran(modelId, requests, rows),
        lost: (reason) => {
          metrics.lost(reason);
          log.warn({ reason }, 'a process that ran models is gone');
        },
        retried: () => metrics.retried(),
        setAside: (key, error) => {
          this.models.setAside(key, error);
          log.warn({ reason: error.message }, 'a model is set aside for a while');
        },
      },
    });
    this.models = new ServedModels({ ...serving, source: parts.source, pool: this.#pool, routing });
    this.predictor = new Predictor(this.models, this.#pool, metrics);
  }

  /** Frees all models and ends their processes. */
  async stop(): Promise<void> {
    await this.#pool.close();
    await this.models.close();
  }

  /** What `/system/status` says of it. */
  status() {
    return {
      open_models: this.models.size,
      cache_bytes: this.models.bytes,
      processes: this.#pool.pids,
      waiting_requests: this.#pool.waiting,
    };
  }

  /**
   * Predicts posted rows, what a recipe makes of posted bars, or the newest features of an instrument. Publishes nothing. Throws NotFoundError (model, symbol),
   * ShapeMismatchError, NonFiniteInputError, InsufficientHistoryError, ConflictError, and what `ServedModels.get` and `Predictor.predict` throw.
   */
  async predict(request: PredictRequest, signal?: AbortSignal, where = ANYWHERE): Promise<PredictReply> {
    const started = performance.now();
    const wanted = { ...where, key: request.key };
    const control = { timeoutMs: timeoutOf(request.timeout_ms, this.#timeoutMs), signal };
    const model = await this.model(request.model_id, wanted, control);
    const { columns } = model.pooled;
    if (request.inputs) return this.#answer(model, rowsOf(request.inputs, columns), wanted, control, started);
    if (request.bars) {
      const { values, count, ...of } = rowsByRecipe(model.card, request.bars, request.last ?? 1);
      const reply = await this.#answer(model, { values, count }, wanted, control, started);
      return { ...reply, rows: [...of.rows], history: of.history };
    }
    const { row, ...of } = this.#newestRow(model, request.symbol!);
    const reply = await this.#answer(model, { values: row, count: 1 }, wanted, control, started);
    return { ...reply, ...of };
  }

  /** As {@link predict}, on the hardware that was asked for. Throws BackendUnavailableError where it is absent or failed. */
  predictOn(asked: Asked, request: HardwareRequest, signal: AbortSignal): Promise<PredictReply> {
    return this.predict(request, signal, { asked, allowFallback: request.allow_fallback });
  }

  /** Predicts at most `MAX_BATCH_SIZE` rows. Throws as {@link predictOn} does, and `too-large` for more. */
  async batch(request: BatchRequest, signal: AbortSignal): Promise<PredictReply> {
    this.checkBatch(request);
    return this.rows(request, ({ inputs }) => rowsOf(request.inputs, inputs.length), signal);
  }

  /** Throws `too-large` for more than `MAX_BATCH_SIZE` rows. */
  checkBatch({ inputs }: Pick<BatchRequest, 'inputs'>): void {
    const most = this.#maxBatchRows;
    if (inputs.length <= most) return;
    const detail = `Expected at most ${most} rows (MAX_BATCH_SIZE); more go as Arrow or with async`;
    throw new NautilusError('too-large', 413, 'Too large', detail, { limit_rows: most });
  }

  /** Predicts rows that `read` takes for the inputs of a card. Throws what it throws, and as {@link predictOn} does. */
  async rows(
    request: Omit<BatchRequest, 'inputs' | 'async'>,
    read: (card: ServedCard) => Rows | Promise<Rows>,
    signal: AbortSignal,
  ): Promise<PredictReply> {
    const started = performance.now();
    const wanted = wantedBy(request);
    const control = { timeoutMs: timeoutOf(request.timeout_ms, this.#timeoutMs), signal };
    const model = await this.model(request.model_id, wanted, control);
    return this.#answer(model, await read(model.card), wanted, control, started);
  }

  /** Yields the predictions of rows in parts of at most `partRows`, each begun only when it is asked for. Throws as {@link predictOn} does. */
  async *parts(
    request: Omit<BatchRequest, 'async'>,
    partRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<PredictReply> {
    const wanted = wantedBy(request);
    const control = { timeoutMs: timeoutOf(request.timeout_ms, this.#timeoutMs), signal };
    // One version answers all rows, whatever is deployed meanwhile.
    const model = await this.model(request.model_id, wanted, control);
    const { columns } = model.pooled;
    const { values, count } = rowsOf(request.inputs, columns);
    for (let from = 0; from < count; from += partRows) {
      const started = performance.now();
      const rows = Math.min(partRows, count - from);
      const part = { values: values.subarray(from * columns, (from + rows) * columns), count: rows };
      yield await this.#answer(model, part, wanted, control, started);
    }
  }

  /** Predicts rows run by run and tells how many are done. Throws as {@link predictOn} does. */
  async batchInParts(
    request: AsyncRequest,
    signal: AbortSignal,
    progress: (done: number, total: number) => void,
  ): Promise<PredictReply> {
    const started = performance.now();
    const total = request.inputs.length;
    const parts: PredictReply[] = [];
    let done = 0;
    for await (const part of this.parts(request, this.#maxBatchRows, signal)) {
      parts.push(part);
      done += part.predictions.length;
      progress(done, total);
    }
    return joinReplies(parts, performance.now() - started);
  }

  /** Returns a model that is ready on the hardware that was asked for, or on the CPU where that is allowed. */
  async model(reference: string | undefined, wanted: Wanted, control: RunControl): Promise<ServedModel> {
    const id = await this.#parts.reference(reference);
    const model = await this.models.get(id, wanted.asked, control).catch((error) => {
      if (!(error instanceof BackendUnavailableError) || !wanted.allowFallback) throw error;
      return this.models.get(id, 'cpu', control);
    });
    if (model.card.text) {
      const expected = 'texts with "model_type": "sentiment": this model reads no numbers';
      throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/model_id', expected }]);
    }
    return model;
  }

  /** Returns what tells how much is left of the time that a request has. Throws InvalidOptionError over the limit. */
  timer(timeoutMs: number | undefined, signal: AbortSignal): () => RunControl {
    const began = performance.now();
    const most = timeoutOf(timeoutMs, this.#timeoutMs);
    return () => ({ timeoutMs: Math.max(1, most - (performance.now() - began)), signal });
  }

  /** Counts rows that a scorer without a model answered. */
  answered(model_id: string, rows: number, seconds: number): void {
    this.#parts.answered({ model_id }, rows, seconds);
  }

  /** Returns a model for rows of texts, and what runs them; nothing is checked. Throws what finding and running a model throw. */
  async texts(reference: string, control: () => RunControl) {
    const model = await this.models.get(await this.#parts.reference(reference), 'cpu', control());
    const run = async (rows: Rows): Promise<Prediction> => {
      const started = performance.now();
      const prediction = await this.predictor.predict(model, rows, control());
      this.#parts.answered(model.card, rows.count, (performance.now() - started) / 1000);
      return prediction;
    };
    return { model, run };
  }

  /** Returns the outputs of rows, all finite. Throws BackendUnavailableError when other hardware had to step in and may not. */
  async run(model: ServedModel, rows: Rows, wanted: Wanted, control: RunControl): Promise<Prediction> {
    const began = performance.now();
    const prediction = await this.predictor.predict(model, rows, control);
    const { provider } = prediction.provider;
    if (wanted.asked !== 'auto' && provider !== wanted.asked && !wanted.allowFallback)
      throw new BackendUnavailableError(`Expected ${wanted.asked}: ${prediction.provider.reason}`);
    checkOutput(prediction);
    const tookMs = performance.now() - began;
    this.#parts.answered(model.card, rows.count, tookMs / 1000);
    const { output, width } = prediction;
    const answered = { values: rows.values, output, rows: rows.count, width };
    const id = this.#parts.observe?.(model.card, answered, tookMs, wanted.key ?? null);
    return id === undefined ? prediction : { ...prediction, id };
  }

  async #answer(model: ServedModel, rows: Rows, wanted: Wanted, control: RunControl, started: number) {
    return replyOf(await this.run(model, rows, wanted, control), started);
  }

  #newestRow({ card }: ServedModel, symbol: string) {
    const latest = this.#parts.latest(symbol);
    if (!latest) throw new NotFoundError('No features of this symbol have arrived on the stream');
    if (!readsStream(card)) {
      const error = {
        pointer: '/symbol',
        expected: 'inputs: this model reads other columns than the stream has',
      };
      throw new InvalidOptionError(`Expected ${error.expected}`, [error]);
    }
    if (!latest.warm) {
      const received = Math.min(latest.messages, FEATURE_BARS - 1);
      throw new InsufficientHistoryError(
        `Expected ${FEATURE_BARS} bars of this symbol, was fewer`,
        FEATURE_BARS,
        received,
      );
    }
    if (latest.row === null) {
      throw new ConflictError(
        'The newest bar has no model inputs: its average true range is 0 or out of range',
      );
    }
    return { row: latest.row, symbol, ts_event_us: latest.tsEventUs };
  }
}

/** Where a batch wants to run, and what its caller calls it by. */
export const wantedBy = ({
  hardware,
  allow_fallback,
  key,
}: Omit<BatchRequest, 'inputs' | 'async'>): Wanted => ({
  asked: providerOf(hardware),
  allowFallback: allow_fallback,
  key,
});
