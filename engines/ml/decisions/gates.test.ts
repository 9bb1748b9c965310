// What becomes of a signal: the published numbers, each gate alone, what is not known, laws.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { loadConfig } from '../../../src/core/config.ts';
import { rulesOf } from './decisions.ts';
import { decide } from './gates.ts';
import { type DecisionRequest, decisionRequest } from './schemas.ts';
import { prediction, validation } from './test-parts.ts';

const { decisions: env } = loadConfig({});
const parsed = (body: object) => decisionRequest.safeParse({ symbols: ['A'], portfolio_id: 'p', ...body });
const rules = (body: object = {}) => rulesOf(parsed(body).data as DecisionRequest, env);
const known = { value: 0.01, reason: null };

describe('a signal', () => {
  test('passes by the published numbers: 0.7 and 0.3, above 0.8, below 0.02, above 0.85', () => {
    const made = decide(prediction({ confidence: 0.9 }), validation({ risk_score: 0.9 }), known, rules());
    expect(made).toEqual({
      risk_score: 0.9,
      combined_confidence: 0.9 * 0.7 + 0.9 * 0.3,
      decision: 'execute',
      gates: [
        { gate: 'confidence', value: 0.9, threshold: 0.8, passed: true },
        { gate: 'limits', value: 0.3, threshold: 1, passed: true },
        { gate: 'portfolio_var', value: 0.01, threshold: 0.02, passed: true },
        { gate: 'combined_confidence', value: 0.9 * 0.7 + 0.9 * 0.3, threshold: 0.85, passed: true },
      ],
      reasons: [],
    });
  });

  test.each([
    [
      'at the confidence',
      { confidence: 0.8 },
      {},
      known,
      { weights: { ml: 0 } },
      ['confidence is 0.8, not above 0.8'],
    ],
    ['of a full limit', {}, { fullest: 1.2 }, known, {}, ['limits is 1.2, not at most 1']],
    [
      'at the value at risk',
      {},
      {},
      { ...known, value: 0.02 },
      {},
      ['portfolio_var is 0.02, not below 0.02'],
    ],
    ['of a low score', {}, { risk_score: 0.5 }, known, {}, ['combined_confidence is 0.78, not above 0.85']],
    [
      'without a value at risk',
      {},
      {},
      { value: null, reason: 'why' },
      {},
      ['portfolio_var is not known (why)'],
    ],
    [
      'of nothing to trade',
      {},
      { weight_change: 0, trade_reason: 'it is flat' },
      known,
      {},
      ['nothing would be traded: it is flat'],
    ],
  ])('%s is rejected, which says so', (_, of, risk, portfolioVar, body, reasons) => {
    const made = decide(prediction(of), validation(risk), portfolioVar, rules(body));
    expect([made.decision, made.reasons]).toEqual(['reject', reasons]);
  });

  test('of unknown risk is rejected, unless a score is given for it', () => {
    const unknown = validation({ risk_score: null, reason: 'no price is known', fullest: null });
    const rejected = decide(prediction(), unknown, known, rules());
    expect([rejected.decision, rejected.combined_confidence]).toEqual(['reject', null]);
    expect(rejected.reasons).toEqual([
      'the risk of the symbol is not known: no price is known',
      'limits is not known',
      'combined_confidence is not known',
    ]);
    const allowed = decide(prediction(), unknown, known, rules({ unknown_risk_score: 0.9 }));
    expect([allowed.decision, allowed.risk_score, allowed.reasons]).toEqual(['execute', null, []]);
    const low = decide(prediction(), unknown, known, rules({ unknown_risk_score: 0 }));
    expect(low.reasons).toEqual(['combined_confidence is 0.63, not above 0.85']);
  });

  test('to hold is held, and none at all is rejected with what its model lacks', () => {
    expect(decide(prediction({ signal: 'HOLD' }), validation(), known, rules()).decision).toBe('hold');
    const none = prediction({ signal: null, confidence: null, reason: 'it reads rsi' });
    const made = decide(none, validation({ weight_change: 0 }), known, rules());
    expect([made.decision, made.reasons[0]]).toEqual(['reject', 'there is no signal: it reads rsi']);
    expect(made.combined_confidence).toBeNull();
  });
});

describe('weights and gates', () => {
  test('are those of the body, else of the environment; one weight tells the other', () => {
    expect(rules()).toMatchObject({
      weights: { ml: 0.7 },
      gates: { confidence: 0.8, portfolio_var: 0.02, combined_confidence: 0.85 },
    });
    expect(rules({ weights: { ml: 0.25 } }).weights).toEqual({ ml: 0.25, risk: 0.75 });
    expect(rules({ weights: { risk: 0.25 } }).weights).toEqual({ ml: 0.75, risk: 0.25 });
    expect(rules({ weights: { ml: 0.5, risk: 0.5 } }).weights).toEqual({ ml: 0.5, risk: 0.5 });
    const { decisions } = loadConfig({
      NAUTILUS_DECISION_ML_WEIGHT: '0.5',
      NAUTILUS_DECISION_CONFIDENCE: '0.6',
      NAUTILUS_DECISION_PORTFOLIO_VAR: '0.05',
      NAUTILUS_DECISION_COMBINED_CONFIDENCE: '0.7',
      NAUTILUS_DECISION_RISK_TIMEOUT_MS: '50',
    });
    const body = parsed({ gates: { confidence: 0.1 } }).data as DecisionRequest;
    expect(rulesOf(body, decisions)).toEqual({
      weights: { ml: 0.5, risk: 0.5 },
      gates: { confidence: 0.1, portfolio_var: 0.05, combined_confidence: 0.7 },
      unknownRiskScore: undefined,
    });
    expect(decisions.riskTimeoutMs).toBe(50);
  });

  test.each([
    [{ NAUTILUS_DECISION_ML_WEIGHT: '1.1' }],
    [{ NAUTILUS_DECISION_CONFIDENCE: '1' }],
    [{ NAUTILUS_DECISION_PORTFOLIO_VAR: '0' }],
    [{ NAUTILUS_DECISION_RISK_TIMEOUT_MS: '9' }],
  ])('that %p sets in the environment are refused', (bad) => {
    expect(() => loadConfig(bad)).toThrow(Object.keys(bad)[0]!);
  });

  test.each([
    ['weights of another sum', { weights: { ml: 0.7, risk: 0.7 } }, ['weights']],
    ['a weight below 0', { weights: { ml: -0.1 } }, ['weights', 'ml']],
    ['a gate that nothing passes', { gates: { confidence: 1 } }, ['gates', 'confidence']],
    ['a value at risk that nothing is below', { gates: { portfolio_var: 0 } }, ['gates', 'portfolio_var']],
    ['an unknown gate', { gates: { mood: 0.5 } }, ['gates']],
    ['neither symbols nor predictions', { symbols: undefined }, ['symbols']],
    ['both', { predictions: [{ symbol: 'B' }] }, ['symbols']],
    [
      'features of a list',
      { symbols: undefined, predictions: [{ symbol: 'B' }], features: {} },
      ['features'],
    ],
    [
      'a symbol twice',
      { symbols: undefined, predictions: [{ symbol: 'B' }, { symbol: 'B' }] },
      ['predictions', 1, 'symbol'],
    ],
    ['too many symbols', { symbols: Array.from({ length: 101 }, (_, i) => `S${i}`) }, ['symbols']],
    ['no portfolio', { portfolio_id: undefined }, ['portfolio_id']],
  ])('a body with %s is refused', (_, body, path) => {
    expect(parsed(body).error?.issues[0]?.path).toEqual(path);
  });
});

const share = fc.double({ min: 0, max: 1, noNaN: true });

test('better numbers never turn an execution into a rejection', () => {
  fc.assert(
    fc.property(share, share, share, share, share, share, (ml, confidence, more, risk, safer, held) => {
      const of = (c: number, r: number, v: number) =>
        decide(
          prediction({ confidence: c }),
          validation({ risk_score: r }),
          { value: v, reason: null },
          rules({
            weights: { ml },
            gates: { confidence: 0.4, combined_confidence: 0.4, portfolio_var: 0.5 },
          }),
        ).decision;
      const better = of(Math.max(confidence, more), Math.max(risk, safer), held / 2);
      if (of(confidence, risk, held) === 'execute') expect(better).toBe('execute');
    }),
  );
});
