// All checks of quality, in the order in which a record passes them.
import type { Check } from '../definition.ts';
import badTimestamp from './bad-timestamp.ts';
import clockOffset from './clock-offset.ts';
import crossed from './crossed.ts';
import duplicate from './duplicate.ts';
import gap from './gap.ts';
import locked from './locked.ts';
import malformed from './malformed.ts';
import ohlcInconsistent from './ohlc-inconsistent.ts';
import outOfOrder from './out-of-order.ts';
import outlier from './outlier.ts';
import outsideSession from './outside-session.ts';
import splitLikeJump from './split-like-jump.ts';
import stale from './stale.ts';
import zeroVolume from './zero-volume.ts';

/** The checks. Those that tell whether a record can be learned from come first. */
export const CHECKS: readonly Check[] = [
  malformed,
  badTimestamp,
  duplicate,
  outOfOrder,
  gap,
  crossed,
  locked,
  ohlcInconsistent,
  zeroVolume,
  outsideSession,
  splitLikeJump,
  outlier,
  stale,
  clockOffset,
];
