// What adapters of history do alike: refuse what they do not have, hand records out in batches.
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { turn } from '../../../src/core/turn.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import type { HistoryRequest } from './port.ts';

/** Largest batch that {@link batches} hands out. */
export const BATCH = 1000;

/** Returns the refusal of a kind that a source has no history of; it names those that it has. */
export function noHistory(
  title: string,
  request: HistoryRequest,
  has: readonly string[],
): InvalidOptionError {
  return new InvalidOptionError(
    `Expected one of ${has.join(', ')} for kind from ${title}, was ${request.kind}`,
    [{ pointer: '/kind', expected: `one of ${has.join(', ')}`, received: 'another kind' }],
  );
}

/** Returns the name that a provider has for the length of bars of a request. Throws {@link InvalidOptionError} for one that it does not have. */
export function intervalName(
  title: string,
  request: HistoryRequest,
  names: Readonly<Record<number, string>>,
): string {
  const name = request.intervalUs === undefined ? undefined : names[request.intervalUs];
  if (name !== undefined) return name;
  const expected = `one of ${Object.keys(names).join(', ')}`;
  throw new InvalidOptionError(`Expected ${expected} microseconds for interval_us from ${title}`, [
    { pointer: '/interval_us', expected, received: request.intervalUs === undefined ? 'missing' : 'number' },
  ]);
}

/** Returns the records whose times are in the range of a request. */
export function within<R extends MarketRecord>({ fromUs, toUs }: HistoryRequest, records: readonly R[]): R[] {
  return records.filter(({ tsEventUs }) => tsEventUs >= fromUs && tsEventUs <= toUs);
}

/** Yields records that are already here in batches, with a turn of the event loop between them. */
export async function* batches<R extends MarketRecord>(
  records: readonly R[],
  signal: AbortSignal,
): AsyncGenerator<readonly R[]> {
  for (let at = 0; at < records.length; at += BATCH) {
    signal.throwIfAborted();
    yield records.slice(at, at + BATCH);
    await turn();
  }
}
