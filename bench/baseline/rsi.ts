// The relative strength index in plain TypeScript.

/**
 * Writes the relative strength index (Wilder 1978) of one series to `out`; NaN before the first value, 50 while nothing
 * moves. The state is in local variables, and each series lies together in memory: the form that the runtime compiles best.
 */
export function relativeStrength(close: Float64Array, period: number, out: Float64Array): void {
  const bars = close.length;
  out.fill(Number.NaN, 0, Math.min(period, bars));
  if (bars <= period) return;
  let gains = 0;
  let losses = 0;
  let previous = close[0]!;
  for (let bar = 1; bar <= period; bar++) {
    const change = close[bar]! - previous;
    previous = close[bar]!;
    if (change > 0) gains += change;
    else losses -= change;
  }
  gains /= period;
  losses /= period;
  out[period] = gains + losses === 0 ? 50 : (100 * gains) / (gains + losses);
  const kept = period - 1;
  for (let bar = period + 1; bar < bars; bar++) {
    const change = close[bar]! - previous;
    previous = close[bar]!;
    gains = (gains * kept + Math.max(change, 0)) / period;
    losses = (losses * kept + Math.max(-change, 0)) / period;
    const total = gains + losses;
    out[bar] = total === 0 ? 50 : 100 * (gains / total);
  }
}
