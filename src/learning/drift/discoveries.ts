// Many tests at once: p-values adjusted so that a given share of what is called significant is chance.

/**
 * Returns the p-values of Benjamini and Hochberg (1995) in the order of `p`: calling what is at or below alpha significant keeps the expected share
 * of false discoveries at alpha, and the chance of any where there is nothing to find. Null stays null and counts for nothing.
 */
export function benjaminiHochberg(p: readonly (number | null)[]): (number | null)[] {
  const order = [...p.keys()].filter((i) => p[i] !== null).sort((a, b) => p[b]! - p[a]!);
  const adjusted: (number | null)[] = p.map(() => null);
  let least = 1;
  for (const [above, i] of order.entries()) {
    least = Math.min(least, (p[i]! * order.length) / (order.length - above));
    adjusted[i] = least;
  }
  return adjusted;
}
