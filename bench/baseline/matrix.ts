// The product of matrices in plain TypeScript.
import type { FloatArray } from '../../src/native/index.ts';

/** Writes the product of two [n, n] matrices, row-major, to `out`: loops in the order of memory. */
export function matrixProduct(n: number, a: FloatArray, b: FloatArray, out: FloatArray): void {
  out.fill(0);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let p = 0; p < n; p++) {
      const x = a[row + p]!;
      const at = p * n;
      for (let j = 0; j < n; j++) out[row + j]! += x * b[at + j]!;
    }
  }
}

/**
 * The same for `n` a multiple of 4, as one would write it who knows how BLAS does it: four columns of `b` are packed so that
 * they stay in the first cache, and eight sums stay in registers.
 */
export function packedProduct(n: number, a: FloatArray, b: FloatArray, out: FloatArray): void {
  const panel = a.slice(0, 4 * n);
  for (let j = 0; j < n; j += 4) {
    for (let p = 0; p < n; p++) {
      for (let column = 0; column < 4; column++) panel[4 * p + column] = b[p * n + j + column]!;
    }
    for (let i = 0; i < n; i += 2) {
      const row = i * n;
      const below = row + n;
      // One by one: the runtime keeps these in registers, but not when they come out of a list.
      let x0 = 0;
      let x1 = 0;
      let x2 = 0;
      let x3 = 0;
      let y0 = 0;
      let y1 = 0;
      let y2 = 0;
      let y3 = 0;
      for (let p = 0, q = 0; p < n; p++, q += 4) {
        const x = a[row + p]!;
        const y = a[below + p]!;
        const b0 = panel[q]!;
        const b1 = panel[q + 1]!;
        const b2 = panel[q + 2]!;
        const b3 = panel[q + 3]!;
        x0 += x * b0;
        x1 += x * b1;
        x2 += x * b2;
        x3 += x * b3;
        y0 += y * b0;
        y1 += y * b1;
        y2 += y * b2;
        y3 += y * b3;
      }
      out[row + j] = x0;
      out[row + j + 1] = x1;
      out[row + j + 2] = x2;
      out[row + j + 3] = x3;
      out[below + j] = y0;
      out[below + j + 1] = y1;
      out[below + j + 2] = y2;
      out[below + j + 3] = y3;
    }
  }
}

/** Writes the covariance (ddof 1) of the columns of `values` [rows, columns] to `out` [columns, columns]. */
export function covarianceLoop(rows: number, columns: number, values: FloatArray, out: FloatArray): void {
  const mean = new Float64Array(columns);
  for (let at = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) mean[column]! += values[at++]! / rows;
  }
  const centred = new Float64Array(columns);
  out.fill(0);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      centred[column] = values[row * columns + column]! - mean[column]!;
    }
    for (let i = 0; i < columns; i++) {
      const x = centred[i]! / (rows - 1);
      const at = i * columns;
      for (let j = 0; j <= i; j++) out[at + j]! += x * centred[j]!;
    }
  }
  for (let i = 0; i < columns; i++) {
    for (let j = 0; j < i; j++) out[j * columns + i] = out[i * columns + j]!;
  }
}
