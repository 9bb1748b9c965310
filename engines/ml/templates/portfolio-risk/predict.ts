// The answer of portfolio_risk: weights, history, figures before and after the trades.
import { BackendUnavailableError, InvalidOptionError } from '../../../../src/core/errors.ts';
import { gemm } from '../../../../src/native/index.ts';
import type { Gemm } from '../../../../src/trading/covariance.ts';
import { durationUs } from '../../../../src/trading/periods.ts';
import type { AlignedReturns } from '../../../../src/trading/return-history.ts';
import type { Ran, TemplateContext } from '../template.ts';
import { type Assessing, assess, metricsOf } from './assess.ts';
import { heldOf, type PriceOf, portfolioValue, proposedOf, traded, type Weights, weightsOf } from './book.ts';
import { checkBars, periodsOf, type Source, sourceOf, UnknownSymbolError } from './history.ts';
import { estimate } from './model.ts';
import type { PortfolioReply, PortfolioRequest } from './schemas.ts';

/**
 * Returns the assessment of a posted portfolio. Throws UnknownSymbolError for a position without history (unless `unknown` is exclude),
 * InsufficientHistoryError below 30 common returns, InvalidOptionError and ShapeMismatchError for bodies that do not fit, and
 * BackendUnavailableError for hardware that is absent without `allow_fallback`.
 */
export async function assessPortfolio(
  body: PortfolioRequest,
  context: TemplateContext,
): Promise<Omit<PortfolioReply, 'processing_time_ms'>> {
  const product = new Product(context);
  const held = heldOf(body);
  const proposed = proposedOf(body);
  const named = [...held, ...(proposed ?? [])].map(({ symbol }) => symbol);
  const source = await sourceOf(body, [...named, ...(body.benchmark ? [body.benchmark] : [])], context);
  const posted = new Map(Object.entries(body.prices ?? {}));
  const priceOf: PriceOf = (symbol) => posted.get(symbol) ?? source.price(symbol);
  const before = weightsOf(held, priceOf);
  const value = portfolioValue(held, before, priceOf);
  const after = proposed && traded(before, proposed, { allowShort: body.allow_short, priceOf, value });

  const places = new Map([...(proposed ?? []), ...held].map(({ symbol, pointer }) => [symbol, pointer]));
  const wanted = [...(after?.weights ?? before).keys()];
  const { symbols, excluded } = split(wanted, places, source, body.unknown);
  const hasBenchmark = body.benchmark !== undefined && source.length(body.benchmark) > 0;
  const series = hasBenchmark ? [...new Set([...symbols, body.benchmark!])] : symbols;
  const aligned = source.aligned(series);
  const intervalUs = source.intervalUs(series, aligned);
  checkBars(aligned.bars);
  const periods = periodsOf(body.periods_per_year, source, aligned.times, intervalUs);
  const horizonBars = durationUs(body.time_horizon) / intervalUs;

  const conventions = { horizonBars, periodsPerYear: periods, riskFreeRate: body.risk_free_rate };
  const assessing: Assessing = {
    metrics: metricsOf(body),
    level: body.confidence_level,
    history: { ...columns(aligned, series, symbols), times: aligned.times, intervalUs },
    benchmark: hasBenchmark ? column(aligned, series.length, series.indexOf(body.benchmark!)) : null,
    noBenchmark: body.benchmark === undefined ? 'no benchmark was named' : 'the benchmark has no history',
    conventions,
    gemm: product.gemm,
  };
  const weights = vector(after?.weights ?? before, symbols);
  const now = assess(weights, assessing);
  const first = after ? assess(vector(before, symbols), assessing) : null;
  const model =
    body.model_id === undefined
      ? null
      : await estimate(body.model_id, { weights, history: assessing.history, horizonBars }, context);
  const limits = body.portfolio_id === undefined ? undefined : context.riskStates.of(body.portfolio_id);
  return {
    model_type: 'portfolio_risk',
    ...now,
    confidence_interval: body.confidence_level,
    before: first,
    trades: after?.trades ?? null,
    positions: symbols.map((symbol, i) => ({ symbol, weight: weights[i]! })),
    excluded,
    portfolio_value: value,
    portfolio_var_value: value === null || now.portfolio_var === null ? null : value * now.portfolio_var,
    time_horizon: body.time_horizon,
    horizon_bars: horizonBars,
    history: {
      source: source.source,
      observations: aligned.bars,
      interval_us: intervalUs,
      // Times of posted returns are nobody's.
      from_us: source.source === 'returns' ? null : aligned.times[0]!,
      to_us: source.source === 'returns' ? null : aligned.times.at(-1)!,
      periods_per_year: periods,
    },
    method: 'historical simulation, square root of time',
    benchmark: body.benchmark ?? null,
    limits: limits ?? null,
    ...(!limits && { limits_reason: limitsReason(body.portfolio_id) }),
    var_estimate: model?.var_estimate ?? null,
    unused: unusedOf(
      body,
      held.some((p) => p.weight !== undefined && p.shares !== undefined),
      value,
    ),
    ...(model?.ran ?? product.ran),
  };
}

/** 422: nothing of a portfolio has history, and all of it was left out. */
export class AllExcludedError extends InvalidOptionError {
  constructor() {
    super('Expected a position with history, all were left out');
  }
}

function limitsReason(portfolioId: string | undefined): string {
  return portfolioId === undefined
    ? 'no portfolio_id was named'
    : 'the risk engine has said nothing of this portfolio since the engine started';
}

/** Throws UnknownSymbolError for a symbol without history, unless it may be left out. */
function split(
  wanted: readonly string[],
  places: ReadonlyMap<string, string>,
  source: Source,
  unknown: PortfolioRequest['unknown'],
) {
  const symbols: string[] = [];
  const excluded: { symbol: string; reason: string }[] = [];
  for (const symbol of wanted) {
    if (source.length(symbol) > 0) symbols.push(symbol);
    else if (unknown === 'refuse') throw new UnknownSymbolError(places.get(symbol)!, source.source);
    else excluded.push({ symbol, reason: 'no history: it counts as cash' });
  }
  if (symbols.length === 0) throw new AllExcludedError();
  return { symbols, excluded };
}

// Posted numbers that nothing was made of.
function unusedOf(body: PortfolioRequest, bothPosted: boolean, value: number | null): string[] {
  const trades = body.proposed_trades;
  const unused = new Set<string>();
  if (bothPosted && value === null) unused.add('shares');
  if (trades && !Array.isArray(trades)) {
    for (const trade of Object.values(trades))
      for (const field of Object.keys(trade))
        if (field !== 'signal' && field !== 'confidence') unused.add(`proposed_trades.*.${field}`);
  }
  return [...unused];
}

function vector(weights: Weights, symbols: readonly string[]): Float64Array {
  return Float64Array.from(symbols, (symbol) => weights.get(symbol) ?? 0);
}

function column({ returns, bars }: AlignedReturns, width: number, at: number): Float64Array {
  return Float64Array.from({ length: bars }, (_, bar) => returns[bar * width + at]!);
}

// The benchmark is the last column unless it is held.
function columns(aligned: AlignedReturns, series: readonly string[], symbols: readonly string[]) {
  const { returns, bars } = aligned;
  if (series.length === symbols.length) return { returns, bars };
  const kept = new Float64Array(bars * symbols.length);
  for (let bar = 0; bar < bars; bar++) {
    const row = returns.subarray(bar * series.length, bar * series.length + symbols.length);
    kept.set(row, bar * symbols.length);
  }
  return { returns: kept, bars };
}

/** The product of returns and weights: on the GPU where that is asked for, else on the CPU. */
class Product {
  ran: Ran;
  readonly #onMetal: boolean;

  constructor({ asked, allowFallback, onCpu }: TemplateContext) {
    this.#onMetal = asked === 'coreml-gpu' && hasMetal();
    if (asked === 'coreml-gpu' && !this.#onMetal && !allowFallback)
      throw new BackendUnavailableError('Expected a GPU: the kernels have no Metal here');
    this.ran = this.#onMetal
      ? { hardware_used: 'metal_gpu', hardware_reason: 'asked for; sums in float32' }
      : onCpu('the risk of a portfolio');
  }

  readonly gemm: Gemm = (m, n, k, a, b, out) => {
    if (!this.#onMetal) {
      gemm({ m, n, k, a, b, out });
      return;
    }
    // The GPU knows no float64.
    const single = gemm({ m, n, k, a: Float32Array.from(a), b: Float32Array.from(b), backend: 'metal' });
    out.set(single.out);
  };
}

function hasMetal(): boolean {
  const one = new Float32Array(1);
  try {
    gemm({ m: 1, n: 1, k: 1, a: one, b: one, backend: 'metal' });
    return true;
  } catch (error) {
    if (error instanceof BackendUnavailableError) return false;
    throw error;
  }
}
