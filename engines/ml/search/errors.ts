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

/** 422: trials found settings, but the model of the end could not be made: its process was lost, or took too long. */
export class UnfinishedSearchError extends NautilusError {
  constructor(cause: NautilusError) {
    super(
      'search-failed',
      422,
      'Search failed',
      `The best settings could not be fitted again: ${cause.message}`,
    );
    this.cause = cause;
  }
}
