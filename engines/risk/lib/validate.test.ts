// The risk score of predictions: its parts, what is not known, and that a larger trade never has a better one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type ValidationRequest, validationRequest } from '../../../src/bus/decision-bodies.ts';
import { Philox } from '../../../src/core/philox.ts';
import { limitsSchema } from '../../../src/trading/limits.ts';
import { NORMAL_95 } from '../../../src/trading/trade-risk.ts';
import { valuation } from '../../../test/support/risk-messages.ts';
import { bookAccount, postedAccount } from './accounts.ts';
import { PortfolioBook } from './book.ts';
import { historiesOf } from './histories.ts';
import { SavedReturns } from './returns.ts';
import { validatePredictions } from './validate.ts';

const normals = new Philox(7).fillNormal(new Float64Array(240), 0);
const returns = {
  CALM: [...normals.subarray(0, 60)].map((z) => z * 0.01),
  WILD: [...normals.subarray(60, 120)].map((z) => z * 0.06),
  HELD: [...normals.subarray(120, 180)].map((z) => z * 0.015),
};
const buy = (symbol: string, confidence = 0.9) => ({ symbol, signal: 'BUY', confidence });

function validated(body: object) {
  const request = validationRequest.parse({
    current_positions: [{ symbol: 'HELD', weight: 0.2 }],
    portfolio_value: 1_000_000,
    returns,
    ...body,
  }) as ValidationRequest;
  return validatePredictions(request, postedAccount(request), historiesOf(request, new SavedReturns()));
}

describe('the risk score', () => {
  test('is the least of its parts, each of which tells value and threshold', () => {
    const turnover = { CALM: 9e6 };
    const { validations } = validated({ predictions: [buy('CALM')], turnover });
    const [{ parts, ...of }] = validations as [(typeof validations)[number]];
    const scores = Object.values(parts).map(({ score }) => score!);
    for (const { score, value, threshold } of Object.values(parts))
      expect(score).toBeCloseTo(1 - value! / threshold, 12);
    expect(of.risk_score).toBe(Math.min(...scores));
    // 0.05 times 0.9 of a million is 45,000: of a position of 250,000, of an order of 150,000, of 9 million a day.
    expect(of.weight_change).toBeCloseTo(0.045, 15);
    expect(of.limits.map(({ limit, utilisation }) => [limit, utilisation])).toEqual([
      ['max_position_notional', expect.closeTo(0.18, 12)],
      ['max_order_notional', expect.closeTo(0.3, 12)],
      ['max_drawdown', 0],
    ]);
    expect(parts.limits).toMatchObject({ value: expect.closeTo(0.3, 12), threshold: 1 });
    expect(parts.liquidity).toMatchObject({ value: expect.closeTo(0.005, 12), threshold: 0.05 });
    expect(parts.volatility).toMatchObject({ value: expect.closeTo(0.01, 2), threshold: 0.2 });
  });

  test('measures the value at risk that a trade adds against what the portfolio may have', () => {
    const body = { predictions: [buy('WILD', 1)], current_positions: [], trade_weight: 0.1 };
    const wild = returns.WILD;
    const mean = wild.reduce((a, b) => a + b, 0) / wild.length;
    const deviation = Math.sqrt(wild.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (wild.length - 1));
    const part = (more: object) => validated({ ...body, ...more }).validations[0]!.parts.portfolio_var;
    expect(part({}).value).toBeCloseTo(NORMAL_95 * 0.1 * deviation, 12);
    expect(part({ time_horizon: '4d' }).value).toBeCloseTo(2 * NORMAL_95 * 0.1 * deviation, 12);
    expect(part({ max_portfolio_var: 0.5 })).toMatchObject({ threshold: 0.5 });
  });

  test('is null with the reason where the symbol, or what is held, has no history', () => {
    const unknown = { risk_score: null, reason: 'fewer than 30 returns are known of it' };
    expect(validated({ predictions: [buy('NEW')] }).validations[0]).toMatchObject(unknown);
    const current_positions = [{ symbol: 'NEW', weight: 0.1 }];
    const reply = validated({ predictions: [buy('CALM')], current_positions });
    expect(reply.portfolio_var).toBeNull();
    expect(reply.validations[0]).toMatchObject({
      risk_score: null,
      reason: 'fewer than 30 returns are known of a position',
    });
    const few = { CALM: returns.CALM.slice(0, 29), HELD: returns.HELD.slice(0, 29) };
    expect(validated({ predictions: [buy('CALM')], returns: few }).validations[0]).toMatchObject(unknown);
  });

  test('does without the turnover where nobody tells it, and is 0 where nothing is traded', () => {
    const known = validated({ predictions: [buy('CALM')] }).validations[0]!;
    expect(known.parts.liquidity).toMatchObject({ score: null, reason: 'its turnover is not known' });
    expect(known.risk_score).toBeGreaterThan(0);
    const none = validated({ predictions: [buy('CALM')], turnover: { CALM: 0 } }).validations[0]!;
    expect(none.parts.liquidity).toMatchObject({ score: 0, value: Number.MAX_VALUE });
    expect(none.risk_score).toBe(0);
  });

  test.each([
    ['HOLD', 0.9, false, 0, null],
    [null, null, false, 0, 'it has no signal'],
    ['BUY', null, false, 0, 'its signal has no confidence'],
    ['SELL', 0.9, false, -0.02, 'no more than that is held, and allow_short is false'],
    ['SELL', 0.2, false, -0.01, null],
    ['SELL', 0.9, true, -0.045, null],
  ])(
    'of %p with confidence %p, short %p, is that of a trade of %p',
    (signal, confidence, allow_short, weight, why) => {
      const current_positions = [{ symbol: 'HELD', weight: 0.02 }];
      const predictions = [{ symbol: 'HELD', signal, confidence }];
      const [only] = validated({ predictions, current_positions, allow_short }).validations;
      expect(only!.weight_change).toBeCloseTo(weight, 15);
      expect(only!.trade_reason).toBe(why);
      expect(only!.risk_score).toBeGreaterThan(0);
    },
  );

  test('tells of nothing held that a sale finds nothing', () => {
    const [only] = validated({ predictions: [{ ...buy('CALM'), signal: 'SELL' }] }).validations;
    expect(only).toMatchObject({
      weight_change: 0,
      trade_reason: 'nothing of it is held, and allow_short is false',
    });
  });
});

describe('a larger trade in one direction', () => {
  const weight = fc.double({ min: 1e-4, max: 3, noNaN: true });
  const symbols = fc.constantFrom('CALM', 'WILD', 'HELD');
  const side = fc.constantFrom('BUY', 'SELL');
  const two = fc.tuple(weight, weight).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const held = fc.dictionary(symbols, fc.double({ min: -1, max: 1, noNaN: true }), { maxKeys: 3 });
  // Rounding of quantities, which are 24 digits, and of sums of 60 returns.
  const SLACK = 1e-9;

  test('never has a better score with posted positions', () => {
    fc.assert(
      fc.property(
        two,
        symbols,
        side,
        held,
        fc.boolean(),
        (weights, symbol, signal, positions, allow_short) => {
          const [small, large] = weights.map((one) => {
            const predictions = [{ symbol, signal, confidence: 0.9, weight: one }];
            const current_positions = Object.entries(positions).map(([name, w]) => ({
              symbol: name,
              weight: w,
            }));
            const turnover = { [symbol]: 1e7 };
            return validated({ predictions, current_positions, allow_short, turnover }).validations[0]!
              .risk_score!;
          });
          expect(large!).toBeLessThanOrEqual(small! + SLACK);
        },
      ),
    );
  });

  test('never has a better score against a book, its open orders and its drawdown', () => {
    const quantity = fc.integer({ min: -3000, max: 3000 });
    const equity = fc.integer({ min: 500_000, max: 1_000_000 });
    fc.assert(
      fc.property(two, side, quantity, equity, fc.boolean(), (weights, signal, units, worth, allow_short) => {
        const book = new PortfolioBook('1000000');
        const positions = [{ symbol: 'HELD', quantity: String(units), mark: '100' }];
        book.value(valuation('p', { equity: String(worth), positions }), 1);
        const limits = limitsSchema.parse({ max_position_quantity: '2500' });
        const open = {
          portfolio_id: 'p',
          strategy: null,
          symbol: 'HELD',
          side: 'sell',
          quantity: '300',
        } as const;
        book.order({
          ...open,
          order_id: 'o',
          type: 'market',
          limit_price: null,
          status: 'accepted',
          reasons: [],
        });
        const stream = new SavedReturns();
        const [small, large] = weights.map((one) => {
          const request = validationRequest.parse({
            portfolio_id: 'p',
            predictions: [{ symbol: 'HELD', signal, confidence: 1, weight: one }],
            returns,
            allow_short,
          });
          const account = bookAccount('p', { book, limits }, stream);
          return validatePredictions(request, account, historiesOf(request, stream)).validations[0]!
            .risk_score!;
        });
        expect(large!).toBeLessThanOrEqual(small! + SLACK);
      }),
    );
  });
});

describe('a request', () => {
  const fails = (body: object) =>
    validationRequest.safeParse({ predictions: [buy('A')], portfolio_id: 'p', ...body }).error?.issues[0]
      ?.path;

  test.each([
    ['no portfolio', { portfolio_id: undefined }, ['portfolio_id']],
    ['two portfolios', { current_positions: [], portfolio_value: 1 }, ['portfolio_id']],
    ['positions of no value', { portfolio_id: undefined, current_positions: [] }, ['portfolio_value']],
    ['a value of no positions', { portfolio_value: 1 }, ['portfolio_value']],
    ['a symbol twice', { predictions: [buy('A'), buy('A')] }, ['predictions', 1, 'symbol']],
    ['no predictions', { predictions: [] }, ['predictions']],
    ['a confidence above 1', { predictions: [buy('A', 1.1)] }, ['predictions', 0, 'confidence']],
    ['too many returns', { returns: { A: Array(100_001).fill(0) } }, ['returns']],
    ['an unknown field', { mood: 1 }, []],
  ])('with %s is refused', (_, body, path) => {
    expect(fails(body)).toEqual(path);
  });
});
