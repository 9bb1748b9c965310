// Why a version has no variant.
import { NautilusError, type ProblemExtras } from '../../../src/core/errors.ts';

/** What names it across processes. */
export const CONVERSION_REFUSED = 'conversion-refused';

/** 422: a variant that would change nothing, cost more than allowed, or answer otherwise than its model; nothing is kept of it. */
export class ConversionRefusedError extends NautilusError {
  constructor(detail: string, extras: ProblemExtras = {}) {
    super(CONVERSION_REFUSED, 422, 'Conversion refused', detail, extras);
  }
}
