// Factors of posted panels through the Factor engine: outside values, gaps, refusals.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import golden from '../../src/factors/golden.json';
import { FACTORS, rankFactor } from '../../src/factors/index.ts';
import { sharedData } from '../../test/shared-data.ts';
import { TestEngine } from '../../test/support/engine.ts';
import definition from './index.ts';

const NAMES = FACTORS.map((def) => def.name);
const PRICES = 'sp500-20-stocks-daily-close-1990-2022.csv.gz';
const prices = sharedData(PRICES);

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start(definition);
});
afterAll(() => engine.stop());

describe('POST /factors/compute', () => {
  const block = golden.prices;
  const within = (actual: number, value: number, { abs, rel }: { abs: number; rel: number }) =>
    Math.abs(actual - value) <= abs + rel * Math.abs(value);

  test('gives the outside values of twenty stocks, and their ranks', async () => {
    for (const { row, factors } of block.at) {
      const close = block.close.slice(0, row + 1);
      const { status, body } = await engine.post('/factors/compute', { symbols: block.symbols, close });
      expect(status).toBe(200);
      expect(body).toMatchObject({ symbols: block.symbols, bars: row + 1, hardware_used: 'cpu' });
      expect(Object.keys(body.factors)).toEqual(NAMES);
      for (const [name, expected] of Object.entries(factors)) {
        expect(expected.every((value, s) => within(body.factors[name][s], value, block.tolerance))).toBe(
          true,
        );
        expect(body.ranks[name]).toEqual(Array.from(rankFactor(Float64Array.from(body.factors[name]))));
      }
      // There is no volume, so that the factors that read it have no value.
      expect(body.factors.amihud_20).toEqual(block.symbols.map(() => null));
      expect(body.ranks.amihud_20).toEqual(block.symbols.map(() => null));
    }
  });

  test('reads volume, and only the factors that are asked for', async () => {
    const { symbols, close, volume, at, tolerance } = golden.volumes;
    const request = { symbols, close, volume, factors: ['amihud_20', 'volume_z_20'] };
    const { body } = await engine.post('/factors/compute', request);
    expect(Object.keys(body.factors)).toEqual(['amihud_20', 'volume_z_20']);
    for (const [name, expected] of Object.entries(at[0]!.factors))
      expect(expected.every((value, s) => within(body.factors[name][s], value, tolerance))).toBe(true);
  });

  test.skipIf(prices === null)(`ranks all of ${PRICES} as the last rows alone are ranked`, async () => {
    const text = gunzipSync(await Bun.file(prices!).bytes()).toString();
    const [header, ...lines] = text.trim().split('\n');
    const symbols = header!.trim().split(',').slice(1);
    const rows = lines.map((line) => line.trim().split(',').slice(1).map(Number));
    expect([symbols.length, rows.length > 5000]).toEqual([20, true]);
    const tail = await engine.post('/factors/compute', { symbols, close: rows.slice(-300) });
    const longer = await engine.post('/factors/compute', { symbols, close: rows.slice(-3000) });
    expect(longer.body.factors).toEqual(tail.body.factors);
    expect(longer.body.bars).toBe(3000);
    const last = block.at.at(-1)!.factors.momentum_20;
    expect(last.every((v, s) => within(tail.body.factors.momentum_20[s], v, block.tolerance))).toBe(true);
  });

  test('takes null as no bar: the next return spans the gap', async () => {
    const close = Array.from({ length: 30 }, (_, i) => [100 + i, i === 12 ? null : 50 + i]);
    const { body } = await engine.post('/factors/compute', {
      symbols: ['A', 'B'],
      close,
      factors: ['momentum_20'],
    });
    expect(body.factors.momentum_20).toEqual([129 / 109 - 1, 79 / 58 - 1]);
    const short = await engine.post('/factors/compute', {
      symbols: ['A'],
      close: [[1]],
      factors: ['momentum_20'],
    });
    expect(short.body.ranks).toEqual({ momentum_20: [null] });
  });

  test('answers bad requests with problems that name the field', async () => {
    const good = {
      symbols: ['A', 'B'],
      close: [
        [1, 2],
        [1, 2],
      ],
    };
    const cases: [unknown, number, string, string][] = [
      [undefined, 422, 'invalid-option', ''],
      [{ close: [[1]] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, symbols: ['A', 'A'] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, symbols: [] }, 422, 'invalid-option', '/symbols'],
      [{ ...good, close: [] }, 422, 'invalid-option', '/close'],
      [
        {
          ...good,
          close: [
            [1, 2],
            [1, 'x'],
          ],
        },
        422,
        'invalid-option',
        '/close/1/1',
      ],
      [
        {
          ...good,
          close: [
            [1, 2],
            [1, 0],
          ],
        },
        422,
        'invalid-option',
        '/close/1/1',
      ],
      [{ ...good, close: [[1, 2], [1]] }, 422, 'shape-mismatch', '/close/1'],
      [{ ...good, volume: [[1, 2]] }, 422, 'shape-mismatch', '/volume'],
      [
        {
          ...good,
          high: [
            [1, 2],
            [1, 2, 3],
          ],
        },
        422,
        'shape-mismatch',
        '/high/1',
      ],
      [
        {
          ...good,
          volume: [
            [1, 2],
            [1, -2],
          ],
        },
        422,
        'invalid-option',
        '/volume/1/1',
      ],
      [{ ...good, factors: ['nope'] }, 404, 'not-found', ''],
      [{ ...good, factor: ['beta_60'] }, 422, 'invalid-option', 'factor'],
    ];
    for (const [request, status, slug, named] of cases) {
      const answer = await engine.post('/factors/compute', request);
      expect([request, answer.status, answer.body.type]).toEqual([request, status, `/problems/${slug}`]);
      expect(JSON.stringify(answer.body)).toContain(named);
    }
  });
});
