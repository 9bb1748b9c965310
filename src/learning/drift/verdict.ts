// The verdict on one column, and why in words.
import { type Judged, lacking, type Settings } from './columns.ts';
import type { ColumnDrift, DriftReason, SideSummary } from './types.ts';

/** PSI of 0.1 where 0.25 is drift: the usual step between "no change" and "some change". */
const MODERATE = 0.4;

const shareOf = (side: SideSummary) => (side.rows > 0 ? lacking(side) / side.rows : 0);
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** Returns the column with its verdict, given its p-value among all columns. */
export function verdict(column: Judged, adjusted: number | null, settings: Settings): ColumnDrift {
  const { pDistribution, pMissing, without, constant, ...said } = column;
  const { value, threshold } = said.effect;
  const significant = adjusted !== null && adjusted <= settings.alpha;
  const parts = pDistribution !== null && pMissing !== null ? 2 : 1;
  // Which of the two made it significant.
  const by = (p: number | null) => significant && p !== null && parts * p <= settings.alpha;
  const change = Math.abs(shareOf(said.reference) - shareOf(said.current));
  let reason: DriftReason;
  // Without a size, since the reference does not vary, any difference is beyond all bounds.
  if (by(pDistribution) && (value === null || value >= threshold))
    reason = constant === 'changed' ? 'constant_changed' : 'distribution';
  else if (by(pDistribution) && constant === 'changed') reason = 'constant_changed';
  else if (by(pMissing) && change >= settings.thresholds.missing) reason = 'missing_share';
  else if (without) reason = without;
  else if (constant === 'same' && !significant) reason = 'constant';
  else reason = significant ? 'small_effect' : 'not_significant';
  const drifted = reason === 'distribution' || reason === 'constant_changed' || reason === 'missing_share';
  return {
    ...said,
    p_adjusted: adjusted,
    significant,
    level: drifted
      ? 'major'
      : value !== null && value >= MODERATE * threshold && significant
        ? 'moderate'
        : 'none',
    drifted,
    reason,
    text: textOf(reason, column, settings, change),
  };
}

function textOf(reason: DriftReason, column: Judged, { minRows, alpha }: Settings, change: number): string {
  const { effect, reference, current, power } = column;
  const size = `${effect.name} ${effect.value === null ? 'undefined' : effect.value.toFixed(3)}`;
  const values = (side: SideSummary) => side.rows - lacking(side);
  switch (reason) {
    case 'distribution':
      return effect.value === null
        ? `significant, and ${effect.name} has no bound: the reference does not vary`
        : `${size} is at or above ${effect.threshold}`;
    case 'missing_share':
      return `missing values went from ${percent(shareOf(reference))} to ${percent(shareOf(current))}`;
    case 'constant_changed':
      return 'one value on each side, and not the same';
    case 'small_effect':
      return `significant, but ${size} is below ${effect.threshold}${change > 0 ? ` and the missing share changed by ${percent(change)}` : ''}`;
    case 'not_significant': {
      const weak =
        power !== null && power < 0.8
          ? `; so few rows tell a drift of the threshold in ${percent(power)} of cases only`
          : '';
      return `no difference beyond chance at ${alpha} (${size})${weak}`;
    }
    case 'too_few_rows':
      return `too few rows with a value: ${values(reference)} and ${values(current)}, ${minRows} are needed`;
    case 'all_missing':
      return `no value at all ${values(reference) === 0 ? 'in the reference' : 'in the current rows'}`;
    case 'constant':
      return 'the same single value on both sides';
    case 'not_comparable':
      return 'not in both tables, or not of one kind';
  }
}
