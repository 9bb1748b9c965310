// The STREAM triad in plain TypeScript.

/** Writes `b + scalar c` to `out`, element by element. */
export function triadLoop(b: Float64Array, c: Float64Array, scalar: number, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) out[i] = b[i]! + scalar * c[i]!;
}
