// For tests: a table whose next return follows one of its columns, with noise, so that there is something to find.
import { Philox } from '../../../src/core/philox.ts';

/** Returns the text of a table of `rows` minutes. */
export function searchTable(rows = 600): string {
  const random = new Philox(7).fillUniform(new Float64Array(2 * rows));
  const lines = ['ts,open,high,low,close,volume,signal'];
  let close = 100;
  for (let i = 0; i < rows; i++) {
    const signal = random[2 * i]! - 0.5;
    const open = close;
    close *= Math.exp(0.01 * (random[Math.max(0, 2 * i - 2)]! - 0.5 + (random[2 * i + 1]! - 0.5)));
    const [high, low] = [Math.max(open, close) * 1.001, Math.min(open, close) / 1.001];
    lines.push([1_600_000_000 + i * 60, open, high, low, close, 1000 + 900 * signal, signal].join());
  }
  return `${lines.join('\n')}\n`;
}
