// `crossed`: the best bid is above the best ask.
import { statelessCheck } from '../definition.ts';
import { topOf } from '../prices.ts';

export default statelessCheck(
  {
    flag: 'crossed',
    kinds: ['quote', 'book_snapshot'],
    rule: 'Both sides are there, and the bid is above the ask.',
    unless: ['malformed', 'duplicate'],
    weight: 5,
  },
  (record) => topOf(record) > 0,
);
