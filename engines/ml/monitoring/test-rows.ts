// Real bars as a table to post and as rows with labels, for the tests of this folder.
import { gunzipSync } from 'node:zlib';
import { readBars } from '../fit/bars.ts';
import { buildDataset } from '../fit/dataset.ts';

/** The bars of a file from one on, as CSV. */
export async function barsCsv(file: string, from: number, count: number): Promise<string> {
  const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file).bytes())).split('\n');
  return [lines[0], ...lines.slice(from + 1, from + count + 1)].join('\n');
}

/** Inputs and labels of the direction one bar ahead of the first `count` bars. */
export async function labelledRows(file: string, count: number) {
  const { bars } = await readBars(file, 'BTC-PERP');
  const { inputs, labels, columns, rows } = buildDataset(bars.slice(0, count), 1);
  const row = (r: number) => [...inputs.subarray(r * columns, (r + 1) * columns)];
  return { rows, labels, row };
}
