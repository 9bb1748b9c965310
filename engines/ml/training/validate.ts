// From a table to the scores of a family on the splits of a scheme.
import { familyOf } from '../../../src/learning/families.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { crossValidate } from '../../../src/learning/validation/cross-validate.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { taskOf, type ValidateInput, type ValidateReply } from './schemas.ts';
import type { TrainControl } from './train.ts';

/**
 * Scores what `input` describes on a table. Throws InvalidOptionError (columns, options, scheme), InsufficientHistoryError,
 * DivergedError, CancelledError.
 */
export async function validate(
  input: ValidateInput,
  frame: Frame,
  control: TrainControl,
): Promise<ValidateReply> {
  const { missing, steps, seed, resamples, options, scheme } = input;
  const set = trainingSet(frame, input.features, input.target, { missing, steps });
  const task = taskOf(input);
  const candidate = { family: familyOf(input.family), task, options };
  const result = await crossValidate(candidate, set.data, scheme, { seed, ...control });
  const { folds, paths, interval_method } = await validationReport(result, set.data, {
    resamples,
    level: 0.95,
    seed,
    signal: control.signal,
  });
  return {
    model_id: input.model_id,
    family: input.family,
    task,
    inputs: [...set.inputs],
    rows: { used: set.data.rows, ...set.leftOut },
    scheme,
    folds: folds.map(({ facts: _, ...fold }) => fold),
    paths: paths as unknown as ValidateReply['paths'],
    interval_method,
  };
}
