// Errors of fitting models.
import { NautilusError } from '../core/errors.ts';

/** 422: the loss of a fit is no number any more; a smaller learning rate or clipped gradients mend most of these. */
export class DivergedError extends NautilusError {
  constructor(detail: string, step: number) {
    super('diverged', 422, 'Diverged', detail, { step });
  }
}
