// Real market data as rows with labels, for tests: a panel of stocks and bars of one instrument.
import { gunzipSync } from 'node:zlib';
import type { ValidationData } from './data.ts';

const DAY_US = 86_400e6;

async function lines(path: string): Promise<string[]> {
  return new TextDecoder()
    .decode(gunzipSync(await Bun.file(path).bytes()))
    .trim()
    .split('\n');
}

/**
 * Returns the daily closes of 20 stocks from the `days`-th day before the end as a panel, one row for each stock and every
 * `horizon`-th day: inputs are returns over 1, 5, 20 and 60 days; the target is the return over the next `horizon` days.
 */
export async function stockPanel(path: string, days: number, horizon: number): Promise<ValidationData> {
  const table = (await lines(path)).slice(1).map((line) => line.split(','));
  const times = table.map((cells) => Date.parse(cells[0]!) * 1000);
  const closes = table.map((cells) => cells.slice(1).map(Number));
  const [inputs, targets, startUs, endUs, series] = [[], [], [], [], []] as number[][];
  for (let day = Math.max(60, table.length - days); day + horizon < table.length; day += horizon) {
    for (let stock = 0; stock < closes[day]!.length; stock++) {
      const now = closes[day]![stock]!;
      const row = [1, 5, 20, 60].map((back) => now / closes[day - back]![stock]! - 1);
      inputs!.push(...row);
      targets!.push(closes[day + horizon]![stock]! / now - 1);
      startUs!.push(times[day]!);
      endUs!.push(times[day + horizon]!);
      series!.push(stock);
    }
  }
  return {
    inputs: Float32Array.from(inputs!),
    rows: targets!.length,
    columns: 4,
    targets: Float32Array.from(targets!),
    spans: { startUs: Float64Array.from(startUs!), endUs: Float64Array.from(endUs!) },
    returns: Float64Array.from(targets!),
    series: Uint32Array.from(series!),
  };
}

/** Returns `rows` one-minute bars: inputs are returns over 1, 5 and 15 bars; the class says whether the close rises over `horizon`. */
export async function barRows(path: string, rows: number, horizon: number): Promise<ValidationData> {
  const bars = (await lines(path)).slice(1, rows + horizon + 16).map((line) => line.split(','));
  const times = bars.map((cells) => Date.parse(`${cells[0]!.replace(' ', 'T')}Z`) * 1000);
  const closes = bars.map((cells) => Number(cells[4]));
  const at = (i: number) => closes[i]!;
  const inputs = new Float32Array(rows * 3);
  const returns = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const i = row + 15;
    for (const [j, back] of [1, 5, 15].entries()) inputs[row * 3 + j] = at(i) / at(i - back) - 1;
    returns[row] = at(i + horizon) / at(i) - 1;
  }
  const time = (shift: number) => Float64Array.from({ length: rows }, (_, row) => times[row + 15 + shift]!);
  return {
    inputs,
    rows,
    columns: 3,
    classes: 2,
    targets: Float32Array.from(returns, (change) => (change > 0 ? 1 : 0)),
    spans: { startUs: time(0), endUs: time(horizon), asOfUs: time(0) },
    returns,
  };
}

/** Rows a day apart whose labels look `horizon` days ahead. */
export function dailySpans(rows: number, horizon: number) {
  return {
    startUs: Float64Array.from({ length: rows }, (_, i) => i * DAY_US),
    endUs: Float64Array.from({ length: rows }, (_, i) => (i + horizon) * DAY_US),
  };
}
