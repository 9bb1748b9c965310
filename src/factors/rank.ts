// The cross-section: where each symbol stands among all at one time.

/**
 * Returns the percentile rank of each value among those that are not NaN: rank (1 = smallest) over their count, so in
 * (0, 1], the largest at 1 unless it is tied. Equal values share the mean of their ranks. NaN stays NaN and counts for
 * nobody. Same convention as pandas `rank(pct=True)`. Shape [symbols], a new array.
 */
export function rankFactor(values: Float64Array): Float64Array {
  const ranks = new Float64Array(values.length).fill(Number.NaN);
  const order = Array.from(values.keys()).filter((i) => !Number.isNaN(values[i]));
  order.sort((a, b) => {
    const left = values[a] as number;
    const right = values[b] as number;
    return left < right ? -1 : left > right ? 1 : 0;
  });
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end] as number] === values[order[start] as number]) end++;
    const shared = (start + 1 + end) / 2 / order.length;
    for (let k = start; k < end; k++) ranks[order[k] as number] = shared;
    start = end;
  }
  return ranks;
}

/**
 * Returns `(value - mean) / standard deviation` over the values that are finite (ddof 0: the cross-section is the whole
 * population). All 0 when the finite values are equal; NaN and infinities become NaN and count for nobody. Shape
 * [symbols], a new array.
 */
export function zScore(values: Float64Array): Float64Array {
  const finite = values.filter(Number.isFinite);
  if (finite.every((value) => value === finite[0]))
    return values.map((v) => (Number.isFinite(v) ? 0 : Number.NaN));
  let sum = 0;
  for (const value of finite) sum += value;
  const mean = sum / finite.length;
  let squares = 0;
  for (const value of finite) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / finite.length);
  return values.map((value) => (Number.isFinite(value) ? (value - mean) / deviation : Number.NaN));
}
