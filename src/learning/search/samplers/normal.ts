// The standard normal distribution function and the mass of an interval.

/**
 * Returns the probability below `x`, within 1e-13 relative, 1e-8 below -7. Source: Hart 1968, algorithm 5666, as in West 2005, Better approximations to
 * cumulative normal functions.
 */
export function normalBelow(x: number): number {
  const z = Math.abs(x);
  if (z > 37) return x > 0 ? 1 : 0;
  const density = Math.exp((-z * z) / 2);
  const tail = z < 7.07106781186547 ? density * near(z) : density / far(z);
  return x > 0 ? 1 - tail : tail;
}

function near(z: number): number {
  let top = 3.52624965998911e-2 * z + 0.700383064443688;
  top = top * z + 6.37396220353165;
  top = top * z + 33.912866078383;
  top = top * z + 112.079291497871;
  top = top * z + 221.213596169931;
  top = top * z + 220.206867912376;
  let bottom = 8.83883476483184e-2 * z + 1.75566716318264;
  bottom = bottom * z + 16.064177579207;
  bottom = bottom * z + 86.7807322029461;
  bottom = bottom * z + 296.564248779674;
  bottom = bottom * z + 637.333633378831;
  bottom = bottom * z + 793.826512519948;
  return top / (bottom * z + 440.413735824752);
}

const far = (z: number) => (z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))))) * 2.506628274631;

/** Returns the probability between two numbers, from the tail that they share where they do. */
export function normalBetween(from: number, to: number): number {
  return from > 0 ? normalBelow(-from) - normalBelow(-to) : normalBelow(to) - normalBelow(from);
}
