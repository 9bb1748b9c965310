// Regimes of a real market: fitted on the years to 2006, then asked about years that the fit never saw.
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { sharedData } from '../../../test/shared-data.ts';
import { hmm } from './hmm.ts';
import { control, served } from './test-data.ts';

const file = sharedData('sp500-index-daily-close-1990-2022.csv.gz');
const STEPS = 60;

test.skipIf(file === null)(
  'the crash of 2008 is wild and 2017 is calm, known from what came before only (needs the shared market data)',
  async () => {
    const lines = Buffer.from(Bun.gunzipSync(readFileSync(file!)))
      .toString()
      .trim()
      .split('\n')
      .slice(1);
    const dates = lines.map((line) => line.split(',')[0]!);
    const closes = lines.map((line) => Number(line.split(',')[1]));
    const returns = Float32Array.from(closes.slice(1), (close, i) => Math.log(close / closes[i]!));
    /** Windows of 60 returns that end on the days from one date to another. */
    const windows = (from: string, to: string) => {
      const days = [...dates.keys()].filter((i) => i >= STEPS && dates[i]! >= from && dates[i]! < to);
      const inputs = new Float32Array(days.length * STEPS);
      for (const [row, day] of days.entries()) inputs.set(returns.subarray(day - STEPS, day), row * STEPS);
      return { inputs, rows: days.length, columns: STEPS };
    };
    const past = windows('1990', '2007');
    const { model, facts } = await hmm.fit('clustering', past, hmm.options.parse({ steps: STEPS }), control);
    expect(facts.converged).toBe(true);
    expect(Number(facts.state_1_mean_variance)).toBeGreaterThan(2.5 * Number(facts.state_0_mean_variance));
    expect(Math.min(Number(facts.state_0_stays), Number(facts.state_1_stays))).toBeGreaterThan(0.95);
    const wild = async (from: string, to: string) => {
      const { inputs, rows } = windows(from, to);
      const found = await served(model, inputs, rows);
      return found.reduce((sum, value, i) => sum + (i % 2) * value, 0) / rows;
    };
    expect(await wild('2008-09-22', '2009-01-01')).toBeGreaterThan(0.95);
    expect(await wild('2017-01-01', '2018-01-01')).toBeLessThan(0.05);
  },
);
