// `zero_volume`: a bar or trade in which nothing changed hands.
import { statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'zero_volume',
    kinds: ['trade', 'bar'],
    rule: 'The volume of a bar or the size of a trade is 0.',
    unless: ['malformed', 'duplicate'],
    weight: 0.2,
  },
  (record) =>
    (record.kind === 'bar' && record.volume === 0) || (record.kind === 'trade' && record.size === 0),
);
