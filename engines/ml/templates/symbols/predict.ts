// Predictions symbol by symbol: which model answers each, its row, and what its numbers mean.
import type { PredictReply } from '../../serving/schemas.ts';
import type { TemplateContext } from '../template.ts';
import { type Chosen, chooseModel } from './choose.ts';
import { Columns } from './columns.ts';
import type { SymbolPrediction, SymbolsReply, SymbolsRequest } from './schemas.ts';

const NOTHING: Omit<SymbolPrediction, 'reason'> = {
  signal: null,
  confidence: null,
  calibrated: null,
  target_price: null,
  target_interval: null,
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
  const columns = new Columns(body);
  const chosen = await chooseModel(body, context);
  const { card } = chosen;
  const names = card.inputs.map((input) => input.name);
  const rows = body.symbols.map((_, i) => columns.row(names, i));
  const whole = rows.flatMap((row, i) => (isRow(row) ? [{ row, i }] : []));
  const reply =
    whole.length === 0
      ? null
      : await context.run(
          chosen.reference,
          whole.map(({ row }) => row),
        );
  const predictions: Record<string, SymbolPrediction> = {};
  for (const [i, symbol] of body.symbols.entries()) {
    const row = rows[i]!;
    const at = whole.findIndex((one) => one.i === i);
    predictions[symbol] = isRow(row)
      ? predictionOf(reply!, at, chosen, columns.get('price_data', i))
      : { ...NOTHING, reason: `${card.model_id} reads ${row.missing}, which has no number for this symbol` };
  }
  return {
    model_type: body.model_type,
    predictions,
    model_version: reply && `${reply.model_id}@${reply.model_version}`,
    prediction_horizon: chosen.horizon,
    unused: columns.unused,
    ...(reply
      ? { hardware_used: reply.hardware_used, hardware_reason: reply.hardware_reason }
      : context.onCpu('a body without numbers')),
  };
}

const isRow = (row: ReturnType<Columns['row']>): row is readonly number[] => Array.isArray(row);

function predictionOf(
  reply: PredictReply,
  at: number,
  { card, generic }: Chosen,
  price: number | undefined,
): SymbolPrediction {
  const given = reply.predictions[at]!;
  const values = typeof given === 'number' ? [given] : given;
  return {
    ...NOTHING,
    values,
    model_id: reply.model_id,
    model_version: reply.model_version,
    generic,
    ...(card.model_type === 'classification' && classOf(values, reply, at)),
    ...(card.model_type === 'regression' && returnOf(values, price)),
  };
}

const SIGNALS = ['SELL', 'HOLD', 'BUY'] as const;

function classOf(values: readonly number[], { confidence, signal }: PredictReply, at: number) {
  const likeliest = values.indexOf(Math.max(...values));
  return {
    confidence: confidence?.[at] ?? null,
    signal: values.length === 3 ? SIGNALS[likeliest]! : (signal?.[at] ?? null),
  };
}

function returnOf([value]: readonly number[], price: number | undefined) {
  return { expected_return: value!, target_price: price === undefined ? null : price * Math.exp(value!) };
}
