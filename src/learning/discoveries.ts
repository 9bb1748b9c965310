// Many tests at once: p-values adjusted so that at most a given share of what is called a discovery is false.

/** Which dependence between tests a control of false discoveries allows for. */
export type Control = 'benjamini_hochberg' | 'benjamini_yekutieli';

/**
 * Returns the adjusted p-values in the order of `p`: those at or below a level are a set of which, in expectation, at most that share is false. Benjamini
 * and Hochberg 1995, for tests that are independent or depend positively; Benjamini and Yekutieli 2001, for any. Null stays null and counts for nothing.
 */
export function adjustedP<P extends number | null>(
  p: readonly P[],
  control: Control = 'benjamini_hochberg',
): P[] {
  const order = [...p.keys()].filter((i) => p[i] !== null).sort((a, b) => p[b]! - p[a]!);
  const factor = control === 'benjamini_hochberg' ? 1 : order.reduce((sum, _, i) => sum + 1 / (i + 1), 0);
  const found: (number | null)[] = p.map(() => null);
  let least = 1;
  for (const [above, i] of order.entries()) {
    least = Math.min(least, (p[i]! * order.length * factor) / (order.length - above));
    found[i] = least;
  }
  return found as P[];
}
