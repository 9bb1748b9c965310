// From a request to what it wants to replay: a capture in the import folder, or stored history.
import { type FieldError, InvalidOptionError } from '../../../src/core/errors.ts';
import { allowedFile } from '../files/import-folder.ts';
import type { History } from '../history/history.ts';
import { CaptureSource, isCapture } from './capture-source.ts';
import { HistorySource } from './history-source.ts';
import type { PacedRequest } from './schemas.ts';
import type { ReplaySource } from './source.ts';

export interface SourceFinderParts {
  readonly importDir: string;
  /** Most bytes of a capture after decompression. */
  readonly maxBytes: number;
  readonly history: () => Promise<History>;
}

/** Returns what finds the source of a request; it throws InvalidOptionError and NotFoundError. */
export function sourceFinder({ importDir, maxBytes, history }: SourceFinderParts) {
  return async (request: PacedRequest): Promise<ReplaySource> => {
    const { capture, symbols } = request;
    checkRange(request);
    if (capture === undefined) {
      if (!symbols) refuse('/symbols', 'symbols of the history, or a capture');
      return HistorySource.find(await history(), request);
    }
    if (request.source !== undefined)
      refuse('/source', 'nothing beside a capture, which has its own source,');
    if (request.interval_us !== undefined)
      refuse('/interval_us', 'nothing beside a capture, which has no bars,');
    const path = await allowedFile(importDir, capture, '/capture');
    if (!(await isCapture(path, maxBytes)))
      refuse('/capture', 'a file of captured messages (others are imported first, and replayed as history)');
    return new CaptureSource(path, maxBytes);
  };
}

/** Throws InvalidOptionError for a range that ends before it begins. */
export function checkRange({ from_us, to_us }: Pick<PacedRequest, 'from_us' | 'to_us'>): void {
  if (from_us !== undefined && to_us !== undefined && to_us < from_us)
    refuse('/to_us', 'a time not before from_us');
}

function refuse(pointer: string, expected: string): never {
  const error: FieldError = { pointer, expected };
  throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [error]);
}
