// `outside_session`: a record of a time at which its market is closed.
import { statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'outside_session',
    kinds: ['trade', 'quote', 'book_delta', 'bar'],
    rule: 'A time at which the calendar of the series is closed; a bar of less than a day that overlaps no session; a daily one on a day without trading.',
    unless: ['malformed', 'bad_timestamp', 'duplicate'],
    weight: 1,
  },
  (record, { series: { calendar } }) => {
    if (calendar === null) return false;
    if (record.kind !== 'bar') return !calendar.isOpen(record.tsEventUs);
    return record.unit === 'time'
      ? !calendar.hasBar(record.tsEventUs, record.interval)
      : !calendar.isOpen(record.tsEventUs);
  },
);
