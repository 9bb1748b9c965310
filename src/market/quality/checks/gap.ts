// `gap`: records between the one before and this one are missing.
import type { BookDelta, MarketRecord } from '../../records.ts';
import { type Context, statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'gap',
    kinds: ['trade', 'quote', 'book_delta', 'bar'],
    rule: 'A change of a book that does not follow the one before by the numbers that it carries; a number that is not the next one where the venue counts by one; a bar of time later than the next place of its grid within the sessions of its calendar.',
    unless: ['malformed', 'bad_timestamp', 'duplicate', 'out_of_order'],
    // What is missing is paid for by coverage.
    weight: 0,
  },
  (record, context) => {
    context.missing = context.place === 'next' ? missingBefore(record, context) : 0;
    return context.missing > 0;
  },
);

function missingBefore(record: MarketRecord, context: Context): number {
  const { previousSequence, previousUs, series } = context;
  if (record.kind === 'bar') {
    if (series.calendar === null || record.unit !== 'time') return 0;
    return series.calendar.missingBars(previousUs, record.tsEventUs, record.interval);
  }
  if (Number.isNaN(previousSequence)) return 0;
  if (record.kind === 'book_delta') {
    const linked = missingByLink(record, previousSequence);
    if (linked !== null) return linked;
  }
  if (series.sequence !== 'contiguous' || record.sequence === null) return 0;
  return Math.max(0, record.sequence - previousSequence - 1);
}

// Null where the change does not say what it follows.
function missingByLink(delta: BookDelta, previous: number): number | null {
  // How many changes lie between is not known where only the number before is given: at least one.
  if (delta.previousSequence !== null) return delta.previousSequence > previous ? 1 : 0;
  if (delta.firstSequence !== null) return Math.max(0, delta.firstSequence - previous - 1);
  return null;
}
