// Predictions symbol by symbol: which model answers each, its row, and what its numbers mean.
import { InvalidOptionError, NotFoundError } from '../../../../src/core/errors.ts';
import type { PredictReply } from '../../serving/schemas.ts';
import { readsStream } from '../../stream-model.ts';
import type { Ran, TemplateContext } from '../template.ts';
import { type Chosen, chooseModel } from './choose.ts';
import { Columns } from './columns.ts';
import { type SymbolPrediction, type SymbolsReply, type SymbolsRequest, symbolsRequest } from './schemas.ts';

/** What a model says to the row of one symbol; or why there is no row. */
type Answer =
  | {
      readonly chosen: Chosen;
      readonly reply: PredictReply;
      readonly at: number;
      readonly row: readonly number[];
    }
  | { readonly chosen: Chosen; readonly reason: string };

/** Answers by symbol, and the replies that they are of. */
interface Answers {
  readonly all: readonly Answer[];
  readonly replies: readonly PredictReply[];
}

const NOTHING: SymbolPrediction = {
  signal: null,
  confidence: null,
  calibrated: null,
  target_price: null,
  target_interval: null,
  target_model_id: null,
  expected_return: null,
  values: null,
  interval: null,
  model_id: null,
  model_version: null,
  generic: null,
};

/**
 * Returns the predictions of a body. Throws what `Columns`, `chooseModel` and predicting throw; a number that is missing for one symbol
 * makes that symbol's prediction null, with the reason.
 */
export async function predictSymbols(
  body: SymbolsRequest,
  context: TemplateContext,
): Promise<Omit<SymbolsReply, 'processing_time_ms'>> {
  checkSizing(body);
  const columns = new Columns(body);
  const asked = body.prediction_horizon;
  const main = await answersOf({ ...body, horizonOf: () => asked }, columns, context);
  // A signal has no price in it: that is the expected return of another model.
  const price: Questions = {
    model_type: 'price_prediction',
    model_id: undefined,
    symbols: body.symbols,
    horizonOf: (i) => asked ?? publishedHorizon(main.all[i]!.chosen),
  };
  const priced =
    body.model_type === 'trading_signals' ? await answersOf(price, columns, context).catch(noTarget) : null;
  const predictions: Record<string, SymbolPrediction> = {};
  for (const [i, symbol] of body.symbols.entries()) {
    const priceOf = () => columns.get('price_data', i);
    const target = body.model_type === 'trading_signals' ? priced?.all[i] : main.all[i];
    predictions[symbol] = {
      ...NOTHING,
      ...(target && returnOf(target, priceOf)),
      ...ownOf(main.all[i]!, body),
    };
  }
  const replies = [...main.replies, ...(priced?.replies ?? [])];
  const versions = new Set(main.replies.map((reply) => `${reply.model_id}@${reply.model_version}`));
  const horizons = new Set(main.all.map(({ chosen }) => chosen.horizon ?? 'not known'));
  return {
    model_type: body.model_type,
    predictions,
    model_version: versions.size === 0 ? null : [...versions].join(', '),
    prediction_horizon: [...horizons].join(', '),
    unused: columns.unused,
    ...ranBy(replies, context),
  };
}

/** A signal stays one where no model tells its price. */
function noTarget(error: unknown): null {
  if (error instanceof NotFoundError || error instanceof InvalidOptionError) return null;
  throw error;
}

/** The horizon of a model where a body may name it; undefined for one in rows. */
function publishedHorizon({ horizon }: Chosen): string | undefined {
  return symbolsRequest.shape.prediction_horizon.safeParse(horizon).data;
}

/** What is asked of the models of one type. */
interface Questions extends Pick<SymbolsRequest, 'model_id' | 'symbols'> {
  readonly model_type: string;
  /** As in `prediction_horizon`, by the index of a symbol. */
  readonly horizonOf: (index: number) => string | undefined;
}

/** Runs each model that answers a symbol once, with the rows of all its symbols. */
async function answersOf(
  { model_type: type, model_id, symbols, horizonOf }: Questions,
  columns: Columns,
  context: TemplateContext,
): Promise<Answers> {
  const chosen = await Promise.all(
    symbols.map((symbol, index) =>
      chooseModel({ type, symbol, index, model_id, horizon: horizonOf(index) }, context),
    ),
  );
  const rows = chosen.map(({ card }, i) => {
    const names = card.inputs.map(({ name }) => name);
    const ofStream = readsStream(card) && !names.some((name) => columns.has(name));
    return ofStream ? streamRow(symbols[i]!, context) : columns.row(names, i);
  });
  const all: Answer[] = [];
  const replies: PredictReply[] = [];
  for (const reference of new Set(chosen.map((one) => one.reference))) {
    const of = chosen.flatMap((one, i) => (one.reference === reference ? [i] : []));
    const whole = of.filter((i) => isRow(rows[i]!));
    const inputs = whole.map((i) => rows[i] as readonly number[]);
    const reply = inputs.length === 0 ? null : await context.run(reference, inputs);
    if (reply) replies.push(reply);
    for (const i of of) {
      const row = rows[i]!;
      all[i] = isRow(row)
        ? { chosen: chosen[i]!, reply: reply!, at: whole.indexOf(i), row }
        : { chosen: chosen[i]!, reason: `${chosen[i]!.card.model_id} reads ${row.missing}` };
    }
  }
  return { all, replies };
}

type Row = readonly number[] | { readonly missing: string };
const isRow = (row: Row): row is readonly number[] => Array.isArray(row);

function streamRow(symbol: string, { latest }: TemplateContext): Row {
  const row = latest(symbol)?.row;
  return row
    ? [...row]
    : { missing: 'the features of this symbol on the stream, which has no history of it' };
}

/** What the model of the type itself says. */
function ownOf(answer: Answer, body: SymbolsRequest): Partial<SymbolPrediction> {
  if (!('reply' in answer)) return { reason: answer.reason };
  const { chosen, reply, at } = answer;
  const given = reply.predictions[at]!;
  const values = typeof given === 'number' ? [given] : given;
  return {
    values,
    signal: reply.signal?.[at] ?? null,
    confidence: reply.confidence?.[at] ?? null,
    calibrated: reply.calibrated,
    interval: intervalOf(reply, at),
    model_id: reply.model_id,
    model_version: reply.model_version,
    generic: chosen.generic,
    ...byType(body, values, answer),
  };
}

/** What a type says of the numbers of its model beside what all say; nothing of one that learnt something else. */
function byType(
  { model_type, target_volatility = 0.01, max_leverage = 1 }: SymbolsRequest,
  values: readonly number[],
  { chosen: { card }, reply, row }: Extract<Answer, { reply: PredictReply }>,
): Partial<SymbolPrediction> {
  const [first] = values;
  const isVolatility = card.model_type === 'regression' && card.serving?.target?.kind !== 'log_return';
  switch (model_type) {
    case 'market_regime': {
      if (values.length === 1 || reply.signal) return {};
      const confidence = Math.max(...values);
      return { regime: values.indexOf(confidence), confidence };
    }
    case 'volatility_forecasting':
      return isVolatility ? { volatility: first! } : {};
    case 'position_sizing': {
      if (!isVolatility) return {};
      const size = first! > 0 ? Math.min(max_leverage, target_volatility / first!) : null;
      return { volatility: first!, position_size: size };
    }
    case 'lstm_autoencoder': {
      if (card.model_type !== 'reconstruction' || values.length !== row.length) return {};
      const squares = values.map((value, i) => (value - row[i]!) ** 2);
      return { reconstruction_error: squares.reduce((a, b) => a + b, 0) / row.length };
    }
    default:
      return {};
  }
}

function checkSizing(body: SymbolsRequest): void {
  if (body.model_type === 'position_sizing') return;
  const field = (['target_volatility', 'max_leverage'] as const).find((name) => body[name] !== undefined);
  if (!field) return;
  const error = { pointer: `/${field}`, expected: 'no such field but for position_sizing' };
  throw new InvalidOptionError(`Expected ${error.expected}`, [error]);
}

/** The expected return that a model of returns says, and the price that it leads to. */
function returnOf(answer: Answer, priceOf: () => number | undefined): Partial<SymbolPrediction> {
  if (!('reply' in answer) || answer.chosen.card.serving?.target?.kind !== 'log_return') return {};
  const { reply, at } = answer;
  const value = reply.predictions[at] as number;
  const interval = intervalOf(reply, at);
  // Asked for only here: a price that changes nothing is told as unused.
  const price = priceOf();
  const priceAt = (change: number) => price! * Math.exp(change);
  return {
    expected_return: value,
    target_model_id: reply.model_id,
    ...(price !== undefined && {
      target_price: priceAt(value),
      target_interval: interval && { ...interval, low: priceAt(interval.low), high: priceAt(interval.high) },
    }),
  };
}

function intervalOf({ interval }: PredictReply, at: number) {
  return interval && { level: interval.level, low: interval.low[at]!, high: interval.high[at]! };
}

function ranBy(replies: readonly PredictReply[], context: TemplateContext): Ran {
  const [first] = replies;
  if (!first) return context.onCpu('a body without the numbers that models read');
  // What did not run where the others did says why.
  const { hardware_used, hardware_reason } = replies.find((reply) => reply.hardware_used === 'cpu') ?? first;
  return { hardware_used, hardware_reason };
}
