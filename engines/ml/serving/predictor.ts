// From rows to outputs: in this process where a model is quick, else in a child process, the same bits either way.
import { ConflictError } from '../../../src/core/errors.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import type { ModelSession } from '../../../src/onnx/session.ts';
import { filledUp } from '../../../src/onnx/variants/static-rows.ts';
import type { ServedCard } from '../model-source.ts';
import { IN_PROCESS_US } from './limits.ts';
import type { ServingMetrics, Where } from './metrics.ts';
import type { Asked, ServedModel, ServedModels } from './models.ts';
import type { ModelPool } from './pool.ts';
import { estimateUs } from './profile.ts';
import type { RunControl, RunResult } from './task.ts';

/** Rows of one caller. */
export interface Rows {
  /** [rows, columns], finite. */
  readonly values: Float32Array;
  readonly count: number;
}

/** Outputs for some rows, and how they came to be. */
export interface Prediction {
  readonly card: ServedCard;
  /** [rows, width]. */
  readonly output: Float32Array;
  readonly width: number;
  readonly provider: ProviderChoice;
  readonly where: Where;
  /** Of rows of a model that is watched. */
  readonly id?: string;
}

/** Answers rows with the outputs of models. */
export class Predictor {
  readonly #models: ServedModels;
  readonly #pool: ModelPool;
  readonly #metrics: ServingMetrics;

  constructor(models: ServedModels, pool: ModelPool, metrics: ServingMetrics) {
    this.#models = models;
    this.#pool = pool;
    this.#metrics = metrics;
  }

  /** Returns a model that is ready; throws what `ServedModels.get` throws. */
  model(reference: string, asked: Asked, control: RunControl): Promise<ServedModel> {
    return this.#models.get(reference, asked, control);
  }

  /**
   * Returns the outputs of any number of rows, in runs of at most `MAX_BATCH_SIZE`, or of what a quick model was tried with. Where a model has a floor, each row has the bits that it
   * has alone. Leave `rows` alone until the promise settles. Throws what `ModelPool.run` throws.
   */
  async predict(
    { card, pooled, session }: ServedModel,
    rows: Rows,
    control: RunControl,
  ): Promise<Prediction> {
    const started = performance.now();
    const { profile, width, columns, maxRows } = pooled;
    const floor = profile.floor ?? 1;
    const here =
      session && estimateUs(profile, Math.max(rows.count, floor)) <= IN_PROCESS_US ? session : null;
    let where: Where = 'in_process';
    const run = async (values: Float32Array, count: number): Promise<RunResult> => {
      const output =
        here && (await runHere(here, filledUp(values, count, columns, floor), Math.max(count, floor)));
      if (output) return { output: output.subarray(0, count * width), provider: here.ranOn(output) };
      where = 'child_process';
      const leftMs = Math.max(1, control.timeoutMs - (performance.now() - started));
      return this.#pool.run(pooled, values, count, { ...control, timeoutMs: leftMs });
    };
    let result: RunResult;
    const mostRows = here ? profile.wholeRows : maxRows;
    if (rows.count <= mostRows) result = await run(rows.values, rows.count);
    else {
      const output = new Float32Array(rows.count * width);
      let from = 0;
      do {
        const count = Math.min(mostRows, rows.count - from);
        result = await run(rows.values.subarray(from * columns, (from + count) * columns), count);
        output.set(result.output, from * width);
        from += count;
      } while (from < rows.count);
      result = { ...result, output };
    }
    this.#metrics.predicted(card.model_id, where, (performance.now() - started) / 1000);
    return { card, width, where, ...result };
  }
}

// Null for a session that was closed in the meantime, for room or since its model is gone: a child process has what this call needs.
async function runHere(
  session: ModelSession,
  values: Float32Array,
  rows: number,
): Promise<Float32Array | null> {
  try {
    return await session.predict(values, rows);
  } catch (error) {
    if (error instanceof ConflictError) return null;
    throw error;
  }
}
