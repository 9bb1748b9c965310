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
