// The plain matrix product that tests compare with and use; engines pass the native one.

/** `out` [m, n] = `a` [m, k] x `b` [k, n], row-major, summed in index order. */
export function plainGemm(
  m: number,
  n: number,
  k: number,
  a: Float64Array,
  b: Float64Array,
  out: Float64Array,
): void {
  out.fill(0);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p]!;
      for (let j = 0; j < n; j++) out[i * n + j]! += x * b[p * n + j]!;
    }
  }
}
