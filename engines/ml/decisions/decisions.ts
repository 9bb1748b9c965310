// Combined decisions: signals of models, their validation by the risk engine, value at risk with the trades, gates.
import type { PredictionValidation, ValidationReply } from '../../../src/bus/decision-bodies.ts';
import { topics } from '../../../src/bus/topics.ts';
import type { DecisionSettings } from '../../../src/core/decision-settings.ts';
import { newId } from '../../../src/core/ids.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import type { Serving } from '../serving/serving.ts';
import { SERVED_TEMPLATES } from '../templates/index.ts';
import type { Templates } from '../templates/service.ts';
import {
  type SymbolPrediction,
  type SymbolsReply,
  symbolItem,
  symbolsRequest,
} from '../templates/symbols/schemas.ts';
import { decide, type Rules } from './gates.ts';
import { DecisionMetrics } from './metrics.ts';
import { countedTrades, type PortfolioVars, portfolioVar } from './portfolio-var.ts';
import { RiskQuestions } from './questions.ts';
import type { Decided, DecisionReply, DecisionRequest } from './schemas.ts';

const TEMPLATE = SERVED_TEMPLATES.find(({ modelTypes }) => modelTypes.includes('trading_signals'))!;

/** Signals by symbol, in the order of the request. */
interface Signals {
  readonly predictions: readonly (readonly [string, SymbolPrediction])[];
  readonly unused: readonly string[];
}

/** Decides, tells what was decided, and trades nothing. */
export class Decisions {
  readonly questions: RiskQuestions;
  readonly #context: EngineContext;
  readonly #settings: DecisionSettings;
  readonly #serving: Serving;
  readonly #templates: Templates;
  readonly #metrics: DecisionMetrics;

  constructor(context: EngineContext, serving: Serving, templates: Templates) {
    this.#context = context;
    this.#settings = context.config.decisions;
    this.#serving = serving;
    this.#templates = templates;
    this.#metrics = new DecisionMetrics(context.metrics.registry, () => this.questions.pending);
    this.questions = new RiskQuestions(context.bus, context.clock, {
      timeoutMs: this.#settings.riskTimeoutMs,
      told: (outcome) => this.#metrics.asked(outcome),
    });
  }

  /**
   * Returns what becomes of each signal, and publishes it on `ml.decisions`. Throws what predicting and {@link RiskQuestions.ask} throw:
   * without a word of the risk engine nothing is decided and nothing is published.
   */
  async decide(body: DecisionRequest, signal: AbortSignal, correlationId?: string): Promise<DecisionReply> {
    const began = performance.now();
    const control = this.#serving.timer(body.timeout_ms, signal);
    const signals = await this.#signals(body, control().timeoutMs, signal);
    const predicted = performance.now();
    const rules = rulesOf(body, this.#settings);
    const answered = await this.questions.ask(questionOf(body, signals, rules), {
      leftMs: control().timeoutMs,
      signal,
      correlationId,
    });
    const validated = performance.now();
    const { reply } = answered;
    const varWith = (trades: readonly PredictionValidation[]) =>
      portfolioVar(body, reply.positions, trades, this.#templates, control().timeoutMs, signal);
    const decideBy = (of: PortfolioVars) =>
      signals.predictions.map(([symbol, prediction], i) =>
        decided(symbol, prediction, reply.validations[i]!, of, rules),
      );
    const counted = countedTrades(body, reply);
    let risk = await varWith(counted);
    let decisions = decideBy(risk);
    const executed = executedOf(decisions);
    // A sale that is rejected takes nothing from the risk of those that are not.
    if (executed.length > 0 && executed.length < counted.length) {
      const left = await varWith(counted.filter(({ symbol }) => executed.includes(symbol)));
      if (left.value === null || left.value > risk.value!) {
        risk = left;
        decisions = decideBy(risk);
      }
    }
    const ended = performance.now();
    const { busOutMs, riskMs } = answered;
    const hops_ms = {
      ml: round(predicted - began),
      bus_out: round(busOutMs),
      risk: round(riskMs),
      bus_back: round(validated - predicted - busOutMs - riskMs),
      portfolio_risk: round(ended - validated),
      total: round(ended - began),
    };
    const result = replyOf(newId(), reply, risk, rules, decisions, signals, hops_ms);
    this.#metrics.decided(decisions, hops_ms);
    this.#publish(result, correlationId);
    return result;
  }

  async #signals(body: DecisionRequest, timeoutMs: number, signal: AbortSignal): Promise<Signals> {
    if (body.predictions) {
      const items = body.predictions.map((item) => symbolItem.parse(item));
      const replies = (await this.#templates.answerList(items, signal, timeoutMs)) as (SymbolPrediction &
        SymbolsReply)[];
      const unused = replies.flatMap((reply, i) => reply.unused.map((name) => `${i}/${name}`));
      return { predictions: replies.map((reply, i) => [items[i]!.symbol, reply] as const), unused };
    }
    const { symbols, features, model_id, prediction_horizon } = body;
    const asked = symbolsRequest.parse({
      model_type: 'trading_signals',
      symbols,
      features,
      model_id,
      prediction_horizon,
      timeout_ms: Math.ceil(timeoutMs),
    });
    const answer = await this.#templates.answer({ template: TEMPLATE, body: asked }, 'auto', signal);
    const { predictions, unused } = answer as SymbolsReply;
    return { predictions: symbols!.map((symbol) => [symbol, predictions[symbol]!] as const), unused };
  }

  #publish(result: DecisionReply, correlationId: string | undefined): void {
    const { decision_id, portfolio_id, portfolio_var, decisions, hops_ms } = result;
    const timestamp = this.#context.clock.nowUs() / 1e6;
    for (const { symbol, signal, ml_confidence, risk_score, combined_confidence, ...of } of decisions) {
      const { decision, gates, reasons, weight_change, model_id, model_version } = of;
      this.#context.bus.publish(
        topics.decisions,
        {
          decision_id,
          symbol,
          portfolio_id,
          signal,
          ml_confidence,
          risk_score,
          combined_confidence,
          decision,
          gates,
          reasons,
          weight_change,
          portfolio_var,
          model_id,
          model_version,
          total_ms: hops_ms.total,
          timestamp,
        },
        correlationId === undefined ? {} : { correlationId },
      );
    }
  }
}

/** What a body says, and the environment where it says nothing. */
export function rulesOf(
  { weights, gates, unknown_risk_score }: DecisionRequest,
  env: DecisionSettings,
): Rules {
  const ml = weights?.ml ?? (weights?.risk === undefined ? env.mlWeight : restOf(weights.risk));
  return {
    weights: { ml, risk: weights?.risk ?? restOf(ml) },
    gates: {
      confidence: gates?.confidence ?? env.confidence,
      portfolio_var: gates?.portfolio_var ?? env.portfolioVar,
      combined_confidence: gates?.combined_confidence ?? env.combinedConfidence,
    },
    unknownRiskScore: unknown_risk_score,
  };
}

/** What is missing from 1, without the last binary digits: of 0.7 that is 0.3. */
function restOf(weight: number): number {
  return Number((1 - weight).toFixed(12));
}

function questionOf(body: DecisionRequest, { predictions }: Signals, { gates }: Rules) {
  const { portfolio_id, current_positions, portfolio_value, trade_weight, allow_short, time_horizon } = body;
  const { returns, returns_interval, turnover, max_daily_volatility, max_participation } = body;
  return {
    predictions: predictions.map(([symbol, { signal, confidence }]) => ({ symbol, signal, confidence })),
    portfolio_id,
    current_positions,
    portfolio_value,
    trade_weight,
    allow_short,
    time_horizon,
    returns,
    returns_interval,
    turnover,
    max_daily_volatility,
    max_participation,
    max_portfolio_var: gates.portfolio_var,
  };
}

function decided(
  symbol: string,
  prediction: SymbolPrediction,
  validation: ValidationReply['validations'][number],
  risk: PortfolioVars,
  rules: Rules,
): Decided {
  const { signal, confidence, calibrated, generic, model_id, model_version, target_price } = prediction;
  const { parts, limits, reason, weight_change } = validation;
  return {
    symbol,
    signal,
    ml_confidence: confidence,
    ...decide(prediction, validation, risk, rules),
    weight_change,
    risk: { parts, limits, reason },
    calibrated,
    generic,
    model_id,
    model_version,
    target_price,
  };
}

const executedOf = (decisions: readonly Decided[]) =>
  decisions.filter(({ decision }) => decision === 'execute').map(({ symbol }) => symbol);

function replyOf(
  decision_id: string,
  { portfolio_id, portfolio_value }: ValidationReply,
  risk: PortfolioVars,
  { weights, gates }: Rules,
  decisions: Decided[],
  { unused }: Signals,
  hops_ms: DecisionReply['hops_ms'],
): DecisionReply {
  return {
    decision_id,
    portfolio_id,
    portfolio_value,
    portfolio_var: risk.value,
    portfolio_var_before: risk.before,
    portfolio_var_reason: risk.reason,
    excluded: [...risk.excluded],
    weights,
    gates,
    decisions,
    executed: executedOf(decisions),
    unused: [...unused],
    hops_ms,
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
