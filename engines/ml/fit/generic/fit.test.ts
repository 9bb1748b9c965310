// The models that answer for any symbol: what is committed is what the fit makes.
import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GENERIC_HORIZONS, GENERIC_TYPES, genericId } from '../../../../src/learning/templates/generic.ts';
import { derivedInput, SIGNAL_INPUTS } from '../../../../src/learning/templates/inputs.ts';
import { loadModel } from '../../../../src/onnx/registry.ts';
import { fitGeneric, HORIZONS } from './fit.ts';
import { readPanel } from './panel.ts';
import { genericReadme } from './readme.ts';
import { rowsOf } from './rows.ts';

const root = resolve(import.meta.dir, '../../../..');
const data = resolve(root, '../shared/data');

describe('generic models', () => {
  test('each has a card that holds, with its README made of it', async () => {
    expect(Object.keys(HORIZONS)).toEqual(Object.keys(GENERIC_HORIZONS));
    for (const type of GENERIC_TYPES) {
      for (const horizon of Object.keys(GENERIC_HORIZONS)) {
        const id = genericId(type, horizon);
        const { card } = await loadModel(join(root, 'models'), id);
        expect(card.inputs.map(({ name }) => name)).toEqual(SIGNAL_INPUTS.map(({ name }) => name));
        expect(card.serving!.target!.horizon).toBe(horizon);
        expect(await Bun.file(join(root, 'models', id, 'README.md')).text()).toBe(genericReadme(card));
      }
    }
  });

  test('inputs are what their formulas say', () => {
    const posted: Record<string, number> = { price_data: 150.25, volume: 45e6, rsi: 65.2, macd: -1.25 };
    const said = SIGNAL_INPUTS.map(({ name }) => derivedInput(name, (of) => posted[of]));
    // Computed by hand with 12 digits; float32 keeps 7.
    const expected = [0.152, 0.023104, -0.831946755408, -2.07938432, 9.83003297];
    for (const [i, value] of expected.entries()) expect(Math.abs(said[i]! / value - 1)).toBeLessThan(1e-6);
    expect(derivedInput('macd_to_price', (of) => ({ ...posted, price_data: 0 })[of])).toBeUndefined();
    expect(derivedInput('mood', () => 1)).toBeUndefined();
  });

  test.skipIf(!existsSync(data))('daily bars are adjusted for splits and dividends', async () => {
    const [apple] = (await readPanel(join(data, 'lean/daily/aapl.zip'))).series;
    const [nvidia] = (await readPanel(join(data, 'nvda-1999-2014-daily-ohlcv.csv.gz'))).series;
    for (const { symbol, tsUs, adjusted } of [apple!, nvidia!]) {
      expect(['AAPL', 'NVDA']).toContain(symbol);
      const changes = adjusted.slice(1).map(({ close }, i) => Math.log(close / adjusted[i]!.close));
      // The largest true moves of a day are the profit warnings of AAPL (2000-09-29) and NVDA (1990s and 2008); a split of 2 would be -0.69.
      const worst = Math.min(...changes);
      expect([symbol, worst > -0.75, changes.filter((c) => Math.abs(c) > 0.5).length <= 2]).toEqual([
        symbol,
        true,
        true,
      ]);
      expect(tsUs).toEqual([...tsUs].sort((a, b) => a - b));
    }
    // Seven for one on 2014-06-09: close to close the adjusted price moved by less than 3%.
    const day = apple!.tsUs.indexOf(Date.parse('2014-06-09T00:00:00Z') * 1000);
    expect(apple!.close[day - 1]! / apple!.close[day]!).toBeGreaterThan(6.5);
    const moved = Math.log(apple!.adjusted[day]!.close / apple!.adjusted[day - 1]!.close);
    expect(Math.abs(moved)).toBeLessThan(0.03);
  });

  test.skipIf(!existsSync(data))(
    'the same bars give the same bytes, and no label looks past its horizon',
    async () => {
      const panel = [await readPanel(join(data, 'crypto-10-pairs-5min-ohlcv-2018-01.csv.gz'))];
      const few = [{ ...panel[0]!, series: panel[0]!.series.slice(0, 1) }];
      const [a, b] = [
        await fitGeneric('trading_signals', few, HORIZONS['15m']),
        await fitGeneric('trading_signals', few, HORIZONS['15m']),
      ];
      expect(a.files).toEqual(b.files);
      const { spans } = rowsOf(few[0]!.series, HORIZONS['15m']);
      expect(spans.endUs.every((end, i) => end - spans.startUs[i]! === 900e6)).toBe(true);
    },
  );
});
