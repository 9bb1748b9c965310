// Errors of searches.
import { NautilusError } from '../../../src/core/errors.ts';

/** 422: so many trials of a search failed that going on makes no sense; `reasons` counts what they failed of. */
export class SearchFailedError extends NautilusError {
  constructor(failed: number, of: number, reasons: Readonly<Record<string, number>>, detail: string) {
    super(
      'search-failed',
      422,
      'Search failed',
      `Expected trials that end with a score, was ${failed} of ${of} that failed; most of: ${detail}`,
      { failed, trials: of, reasons },
    );
  }
}
