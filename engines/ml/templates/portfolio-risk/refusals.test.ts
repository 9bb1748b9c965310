// Bodies of portfolio_risk that are refused, each with its place.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { TestEngine } from '../../../../test/support/engine.ts';
import definition from '../../index.ts';
import { known, posted } from './test-portfolio.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../../models') };

describe('portfolio_risk', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());
  const ask = (body: object) => engine.post('/predict', { model_type: 'portfolio_risk', ...body });

  const one = { symbol: 'AAPL', weight: 1 };
  const short = { AAPL: [0.01, 0.02] };
  test.each([
    ['no portfolio', { returns: posted }, '/portfolio', 'invalid-option'],
    ['both forms', { ...known, current_positions: [one] }, '/portfolio', 'invalid-option'],
    ['no positions', { portfolio: { positions: [] } }, '/portfolio/positions', 'invalid-option'],
    [
      'a symbol twice',
      { portfolio: { positions: [one, one] } },
      '/portfolio/positions/1/symbol',
      'invalid-option',
    ],
    [
      'a position of nothing',
      { portfolio: { positions: [{ symbol: 'A' }] } },
      '/portfolio/positions/0',
      'invalid-option',
    ],
    [
      'a weight beyond sense',
      { portfolio: { positions: [{ symbol: 'A', weight: 1e9 }] } },
      '/portfolio/positions/0/weight',
      'invalid-option',
    ],
    [
      'some weights only',
      { ...known, portfolio: { positions: [one, { symbol: 'XOM', shares: 1 }] }, returns: posted },
      '/portfolio/positions/1/weight',
      'invalid-option',
    ],
    [
      'shares without a price',
      { portfolio: { positions: [{ symbol: 'XOM', shares: 1 }] }, returns: posted },
      '/portfolio/positions/0/weight',
      'invalid-option',
    ],
    [
      'a trade without a size',
      { ...known, returns: posted, proposed_trades: [{ symbol: 'AAPL', side: 'buy' }] },
      '/proposed_trades/0/weight',
      'invalid-option',
    ],
    [
      'a trade of an unknown symbol',
      { ...known, returns: posted, proposed_trades: { 'B/C': { signal: 'BUY', confidence: 1 } } },
      '/proposed_trades/B~1C',
      'unknown-symbol',
    ],
    [
      'an unknown metric',
      { ...known, returns: posted, risk_metrics: ['luck'] },
      '/risk_metrics/0',
      'invalid-option',
    ],
    [
      'a horizon in words',
      { ...known, returns: posted, time_horizon: 'soon' },
      '/time_horizon',
      'invalid-option',
    ],
    ['returns and a table', { ...known, returns: posted, dataset_id: 'x' }, '/dataset_id', 'invalid-option'],
    [
      'ragged returns',
      { ...known, returns: { ...posted, XOM: [0.1, 0.2] } },
      '/returns/XOM',
      'shape-mismatch',
    ],
    [
      'ragged returns of a name with a slash',
      {
        portfolio: { positions: [one, { symbol: 'B/C', weight: 0 }] },
        returns: { AAPL: posted.AAPL, 'B/C': [0.1] },
      },
      '/returns/B~1C',
      'shape-mismatch',
    ],
    [
      'a word for a return of a name with a slash',
      { portfolio: { positions: [one] }, returns: { 'B/C': ['much'] } },
      '/returns/B~1C/0',
      'invalid-option',
    ],
    [
      'more positions by symbol than a list may have',
      {
        current_positions: Object.fromEntries(
          Array.from({ length: 501 }, (_, i) => [`S${i}`, { weight: 0 }]),
        ),
      },
      '/current_positions',
      'invalid-option',
    ],
    [
      'more trades by symbol than a reply of signals has',
      {
        ...known,
        proposed_trades: Object.fromEntries(
          Array.from({ length: 1001 }, (_, i) => [`S${i}`, { signal: 'HOLD' }]),
        ),
      },
      '/proposed_trades',
      'invalid-option',
    ],
    [
      'a return beyond ruin',
      { portfolio: { positions: [one] }, returns: { AAPL: [-1.5] } },
      '/returns/AAPL/0',
      'invalid-option',
    ],
    ['a field of no meaning', { ...known, returns: posted, mood: 1 }, '', 'invalid-option'],
  ])('%s is refused with its place', async (_, change, pointer, type) => {
    const { status, body } = await ask(change);
    expect([status, body.type, body.errors[0].pointer]).toEqual([
      422,
      `/problems/${type}`,
      expect.stringContaining(pointer),
    ]);
  });

  test('too few returns are told with how many are needed, and an unknown table is 404', async () => {
    const { status, body } = await ask({ portfolio: { positions: [one] }, returns: short });
    expect([status, body.needed, body.received]).toEqual([422, 30, 2]);
    expect((await ask({ ...known, dataset_id: '0123456789abcdef' })).status).toBe(404);
  });
});
