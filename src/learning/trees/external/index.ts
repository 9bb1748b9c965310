// Fits of XGBoost and LightGBM themselves, served as graphs like ours.
import { setImmediate } from 'node:timers/promises';
import { CancelledError, type TreeOptions } from '../../../native/index.ts';
import { DivergedError } from '../../errors.ts';
import type { FitControl, FitProgress, Fitted, Task, TrainingData } from '../../family.ts';
import { importTrees } from '../../import/index.ts';
import { treeRows } from '../rows.ts';
import type { ExternalFit } from './library.ts';
import { lightgbmFit } from './lightgbm.ts';
import { xgboostFit } from './xgboost.ts';

const FITS = { xgboost: xgboostFit, lightgbm: lightgbmFit } as const;
export type ExternalEngine = keyof typeof FITS;

// Losses that a history has at most.
const REPORTS = 50;

/**
 * Fits with the library, which has to be on the system: BackendUnavailableError says how to install it. Each round holds the thread; between
 * rounds others run, and the signal counts. Otherwise as `Family.fit`; the loss is the library's own metric.
 */
export async function fitExternal(
  engine: ExternalEngine,
  task: Task,
  data: TrainingData,
  options: TreeOptions,
  control: FitControl,
): Promise<Fitted & { readonly importance: Float32Array }> {
  const training = treeRows(task, data);
  const validation = data.validation && treeRows(task, data.validation, '/validation');
  const fit = FITS[engine](options, data.columns, training, validation);
  try {
    const { history, rounds, done } = await run(fit, options, validation !== undefined, control);
    const { bytes, gains } = fit.model(rounds);
    const imported = importTrees(bytes, { rounds: 'all' });
    const total = gains.reduce((sum, gain) => sum + gain, 0);
    return {
      model: imported.model,
      history,
      importance: Float32Array.from(gains, (gain) => (total > 0 ? gain / total : 0)),
      facts: { engine, trees: imported.trees, rounds, stopped_early: done < options.rounds },
    };
  } finally {
    fit.close();
  }
}

async function run(fit: ExternalFit, options: TreeOptions, watched: boolean, control: FitControl) {
  const each = Math.ceil(options.rounds / REPORTS);
  const history: FitProgress[] = [];
  let best = { rounds: 0, loss: Number.POSITIVE_INFINITY };
  for (let done = 1; ; done++) {
    await setImmediate();
    if (control.signal?.aborted) throw new CancelledError('Expected to finish the trees, was cancelled');
    fit.round();
    const validationLoss = watched ? fit.loss(true) : undefined;
    if (options.patience === 0) best = { rounds: done, loss: 0 };
    else if (validationLoss! < best.loss) best = { rounds: done, loss: validationLoss! };
    const last = done === options.rounds || (options.patience > 0 && done - best.rounds >= options.patience);
    if (last || done % each === 0) {
      const report: FitProgress = {
        fraction: last ? 1 : done / options.rounds,
        step: done,
        loss: fit.loss(false),
        ...(validationLoss === undefined ? {} : { validation_loss: validationLoss }),
      };
      if (!Number.isFinite(report.loss)) throw new DivergedError('Expected a finite loss, was none', done);
      history.push(report);
      control.progress?.(report);
    }
    if (last) return { history, rounds: Math.max(1, best.rounds), done };
  }
}
