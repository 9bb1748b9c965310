// A request of a model with an experiment: which arm answers, what runs in the shadow, and what is taken down of it.
import { NautilusError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import { turn } from '../../../src/core/turn.ts';
import type { PredictReply, PredictRequest } from '../serving/schemas.ts';
import type { Serving } from '../serving/serving.ts';
import type { Run, Served } from './count.ts';
import { MAX_PREDICTIONS } from './recorder.ts';
import { type Arm, WATCH } from './records.ts';
import type { Running } from './running.ts';
import { agreement, METRIC_FACTS, type Said, saidOf } from './scoring.ts';

/** Shadow runs under way of one experiment; what comes meanwhile has none. */
const MAX_PENDING = 64;
/** Rows of a prediction that waits for its outcome. */
const MAX_ROWS = 1000;

/** What answering needs of the engine around it. */
export interface AnsweringParts {
  readonly serving: Pick<Serving, 'predict'>;
  readonly nowUs: () => number;
  /** Told after each request that is to be counted; at once for an arm at fault. */
  readonly happened: (running: Running, isUrgent: boolean) => void;
  readonly answered: (modelId: string, arm: string, outcome: 'value' | 'fault' | 'fallback') => void;
}

type Wanted = Parameters<Serving['predict']>[2];

/** Answers requests of models with experiments. */
export class Answering {
  readonly #parts: AnsweringParts;

  constructor(parts: AnsweringParts) {
    this.#parts = parts;
  }

  /** Answers by the arm of the key; by the control where a challenger is at fault. Throws as `Serving.predict` does. */
  async answer(
    running: Running,
    key: string,
    request: PredictRequest,
    signal: AbortSignal | undefined,
    wanted: Wanted,
  ): Promise<PredictReply> {
    const { state } = running.experiment.row;
    if (state === 'watching') return this.#watched(running, key, request, signal, wanted);
    const control = running.experiment.definition.arms[0]!;
    const { arm, stage } = running.choose(key);
    const started = performance.now();
    try {
      const reply = await this.#ask(arm, request, signal, wanted);
      const run = { arm: arm.name, latencyMs: performance.now() - started };
      return this.#taken(running, { key, stage, run, request, reply, wanted });
    } catch (error) {
      if (signal?.aborted || !isFault(error, request)) throw error;
      this.#note(running, { key, stage, runs: [{ arm: arm.name, latencyMs: null }], prediction: null });
      const isLate = error instanceof NautilusError && error.status === 504;
      this.#parts.answered(arm.model_id, arm.name, arm === control || isLate ? 'fault' : 'fallback');
      if (arm === control || isLate) throw error;
      const reply = await this.#ask(control, request, signal, wanted);
      const experiment = { id: running.id, arm: control.name, key, instead_of: arm.name };
      return { ...reply, prediction_id: reply.prediction_id ?? null, experiment };
    }
  }

  #ask({ reference }: Arm, request: PredictRequest, signal: AbortSignal | undefined, wanted: Wanted) {
    return this.#parts.serving.predict({ ...request, model_id: reference }, signal, wanted);
  }

  async #watched(
    running: Running,
    key: string,
    request: PredictRequest,
    signal: AbortSignal | undefined,
    wanted: Wanted,
  ): Promise<PredictReply> {
    const { row } = running.experiment;
    const started = performance.now();
    const note = (latencyMs: number | null) =>
      this.#note(running, { key, stage: row.stage, runs: [{ arm: WATCH, latencyMs }], prediction: null });
    try {
      const reply = await this.#parts.serving.predict(request, signal, wanted);
      note(performance.now() - started);
      return reply;
    } catch (error) {
      if (!signal?.aborted && isFault(error, request)) note(null);
      throw error;
    }
  }

  #taken(
    running: Running,
    made: {
      readonly key: string;
      readonly stage: number;
      readonly run: Run;
      readonly request: PredictRequest;
      readonly reply: PredictReply;
      readonly wanted: Wanted;
    },
  ): PredictReply {
    const { key, stage, run, request, reply, wanted } = made;
    const said = saidOf(reply);
    const id = this.#idFor(running, said, reply);
    const { model_id } = reply;
    this.#parts.answered(model_id, run.arm, 'value');
    const served = {
      key,
      stage,
      runs: [run],
      prediction: id === null ? null : { id, said: { [run.arm]: said } },
    };
    const { shadows } = running;
    if (shadows.length > 0 && running.pending.size < MAX_PENDING) {
      const done = this.#shadow(running, shadows, served, said, request, reply.ts_event_us, wanted);
      const watched = done.finally(() => running.pending.delete(watched));
      running.pending.add(watched);
    } else {
      if (shadows.length > 0) running.lose();
      this.#note(running, served);
    }
    const prediction_id = id ?? reply.prediction_id ?? null;
    return { ...reply, prediction_id, experiment: { id: running.id, arm: run.arm, key } };
  }

  // After the reply is on its way; whatever goes wrong here, nobody else sees it.
  async #shadow(
    running: Running,
    shadows: readonly Arm[],
    served: Omit<Served, 'atUs'>,
    control: Said,
    request: PredictRequest,
    tsEventUs: number | undefined,
    wanted: Wanted,
  ): Promise<void> {
    await turn();
    const { scored } = running.experiment.definition;
    const runs = [...served.runs];
    const said: Record<string, Said> = { ...served.prediction?.said };
    for (const arm of shadows) {
      const started = performance.now();
      try {
        const reply = await this.#ask(arm, request, undefined, wanted);
        const latencyMs = performance.now() - started;
        // Of an instrument whose next bar came in between it is the answer to another question.
        const isSame = reply.ts_event_us === tsEventUs;
        const its = saidOf(reply);
        if (isSame) said[arm.name] = its;
        const agreed = isSame ? agreement(control, its, scored) : 0;
        runs.push({ arm: arm.name, latencyMs, rows: isSame ? its.p.length : 0, agreed });
        this.#parts.answered(arm.model_id, arm.name, 'value');
      } catch (error) {
        if (!isFault(error, request)) continue;
        runs.push({ arm: arm.name, latencyMs: null });
        this.#parts.answered(arm.model_id, arm.name, 'fault');
      }
    }
    const prediction = served.prediction && { id: served.prediction.id, said };
    this.#note(running, { ...served, runs, prediction });
  }

  // A watched model has given its answer an id already: one id is good for both.
  #idFor(running: Running, said: Said, { prediction_id }: PredictReply): string | null {
    const { metric } = running.experiment.definition;
    if (METRIC_FACTS[metric].needs === null) return null;
    if (said.p.length > MAX_ROWS || running.kept >= MAX_PREDICTIONS) {
      running.lose();
      return null;
    }
    running.kept++;
    return prediction_id ?? newId();
  }

  #note(running: Running, served: Omit<Served, 'atUs'>): void {
    running.add({ ...served, atUs: this.#parts.nowUs() });
    this.#parts.happened(
      running,
      served.runs.some(({ latencyMs }) => latencyMs === null),
    );
  }
}

/** Whether an arm is to blame, and not the request, the caller or the load. */
function isFault(error: unknown, { inputs, bars, symbol }: PredictRequest): boolean {
  if (!(error instanceof NautilusError)) return true;
  if (error.slug === 'overloaded' || error.slug === 'backend-unavailable') return false;
  if (error.status >= 500 || error.slug === 'model-limit') return true;
  // Its model went away: of the request only an instrument can be unknown.
  if (error.slug === 'not-found' && symbol === undefined) return true;
  // An answer that is no number, to rows that are.
  const hasNumbers =
    inputs?.every((row) => row.every((value) => Number.isFinite(Math.fround(value)))) ?? true;
  return error.slug === 'non-finite-input' && hasNumbers && bars === undefined;
}
