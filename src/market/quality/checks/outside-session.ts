// `outside_session`: a record of a time at which its market is closed.
import { DAY_US } from '../../sessions/days.ts';
import { statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'outside_session',
    kinds: ['trade', 'quote', 'book_delta', 'bar'],
    rule: 'A time at which the calendar of the series is closed; a bar of less than a day that overlaps no session; a daily one on a day without trading. Extended hours, where the calendar has them, are not outside.',
    unless: ['malformed', 'bad_timestamp', 'duplicate'],
    weight: 1,
  },
  (record, { series: { calendar } }) => {
    if (calendar === null) return false;
    const us = record.tsEventUs;
    const intervalUs = record.kind === 'bar' && record.unit === 'time' ? record.interval : null;
    if (intervalUs === null ? calendar.isOpen(us) : calendar.hasBar(us, intervalUs)) return false;
    // A day without trading has no extended hours either.
    if (intervalUs !== null && intervalUs >= DAY_US) return true;
    return !calendar.touchesExtendedHours(us, us + (intervalUs ?? 1));
  },
);
