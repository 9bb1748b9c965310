// From a table to the scores of a family on the splits of a scheme.
import { familyOf } from '../../../src/learning/families.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { crossValidate } from '../../../src/learning/validation/cross-validate.ts';
import { validationReport } from '../../../src/learning/validation/report.ts';
import { isUnlabelled } from '../../../src/learning/validation/unlabelled/score.ts';
import { validateUnlabelled } from '../../../src/learning/validation/unlabelled/train.ts';
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
  const family = familyOf(input.family);
  const task = taskOf(input.target, family.tasks);
  const about = {
    model_id: input.model_id,
    family: input.family,
    task,
    inputs: [...set.inputs],
    rows: { used: set.data.rows, ...set.leftOut },
    scheme,
  };
  const scoring = { resamples, level: 0.95, seed, signal: control.signal };
  if (isUnlabelled(task)) {
    const candidate = { family, task, options };
    const settings = { steps, scoring };
    const folds = await validateUnlabelled(candidate, set.data, scheme, settings, { seed, ...control });
    return {
      ...about,
      folds: folds.map(({ groups: _, anomaly: __, moments: ___, interval_method: ____, ...fold }) => fold),
      paths: folds.map(({ test_rows, groups, moments }, fold) => ({
        rows: test_rows,
        fold,
        groups: groups as ValidateReply['paths'][number]['groups'],
        ...(moments && { moments }),
      })),
      interval_method: folds[0]!.interval_method,
    };
  }
  const candidate = { family, task, options };
  const result = await crossValidate(candidate, set.data, scheme, { seed, ...control });
  const { folds, paths, interval_method } = await validationReport(result, set.data, scoring);
  return {
    ...about,
    folds: folds.map(({ facts: _, ...fold }) => fold),
    paths: paths as unknown as ValidateReply['paths'],
    interval_method,
  };
}
