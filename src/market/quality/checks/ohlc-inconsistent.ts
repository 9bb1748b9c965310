// `ohlc_inconsistent`: a bar that contradicts itself.
import { barInconsistency } from '../../bar.ts';
import { statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'ohlc_inconsistent',
    kinds: ['bar'],
    rule: 'Open or close is outside low to high, or high is below low.',
    unless: ['malformed', 'duplicate'],
    weight: 5,
  },
  (record) => record.kind === 'bar' && barInconsistency(record) !== null,
);
