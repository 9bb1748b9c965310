// `locked`: the best bid equals the best ask.
import { statelessCheck } from '../definition.ts';
import { topOf } from '../prices.ts';

export default statelessCheck(
  {
    flag: 'locked',
    kinds: ['quote', 'book_snapshot'],
    rule: 'Both sides are there, and the bid equals the ask. Some markets allow it for a moment.',
    unless: ['malformed', 'duplicate'],
    weight: 0.2,
  },
  (record) => topOf(record) === 0,
);
