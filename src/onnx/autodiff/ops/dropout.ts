// Dropout whose masks are a function of (seed, step, layer, element), so that a run that resumes draws the same ones.
import { uniform } from '../random.ts';
import { record, type Tensor } from '../tape.ts';
import { mul } from './arithmetic.ts';

/**
 * Returns x with each element set to 0 with probability `rate` and divided by 1 - rate elsewhere, so that its mean
 * stays. `key` [1] uint32 decides which. Source: Srivastava et al., "Dropout" (2014).
 */
export function dropout(x: Tensor, rate: number, key: Tensor): Tensor {
  const { tape } = x;
  const keep = tape.emit(
    'GreaterOrEqual',
    [uniform(x.shape, key), tape.scalar(rate)],
    x.shape,
    undefined,
    'bool',
  );
  const mask = tape.emit('Where', [keep, tape.scalar(1 / (1 - rate)), tape.scalar(0)], x.shape);
  return record(
    [x],
    tape.untracked(() => mul(x, mask)),
    (dy) => [() => mul(dy, mask)],
  );
}
