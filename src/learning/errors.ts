// Errors of fitting models.
import { NautilusError } from '../core/errors.ts';

export { DivergedError } from '../core/errors.ts';

/** 422: a training row shares information with a test row, or a feature with the future; the rows are named. */
export class LeakError extends NautilusError {
  constructor(
    detail: string,
    where: { readonly train_row?: number; readonly test_row?: number; readonly row?: number },
  ) {
    super('leaky-split', 422, 'Leaky split', detail, where);
  }
}

/** 422: a model file of another library holds something that can't be represented here; `part` names it. */
export class UnsupportedModelError extends NautilusError {
  constructor(detail: string, part: string) {
    super('unsupported-model', 422, 'Unsupported model', detail, { part });
  }
}

/** 422: a class of the target does not happen among the rows that a model is fitted on: it could only ever say never. */
export class UnseenClassError extends NautilusError {
  constructor(unseen: number, classes: number, rows: number) {
    super(
      'unseen-class',
      422,
      'Unseen class',
      `Expected each of ${classes} classes among the ${rows} rows of the fit, was none of class ${unseen}`,
      { class: unseen },
    );
  }
}
