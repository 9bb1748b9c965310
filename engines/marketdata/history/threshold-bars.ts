// Bars of trades, volume, notional and imbalance, made of the stored trades as they are read.
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { TradeAggregator } from '../../../src/market/aggregate/aggregator.ts';
import type { AggregateBar } from '../../../src/market/aggregate/columns.ts';
import { type BarSpec, barSpecSchema } from '../../../src/market/aggregate/spec.ts';
import { pushTrades, TRADE_COLUMNS } from './bar-source.ts';
import type { History } from './history.ts';
import { OUTPUT } from './output.ts';
import type { Batch, View } from './reader.ts';
import { type Format, streamReply } from './replies.ts';
import { checkPage, cursorAt, cursorOf, jsonReply, namesIn, page, symbolsOf } from './requests.ts';
import type { ThresholdOptions } from './schemas.ts';
import type { NamedRange } from './view.ts';

/** A request for them. */
export interface ThresholdQuery extends ThresholdOptions {
  readonly source?: string | undefined;
  readonly symbol_at_us?: number | undefined;
  readonly from_us?: number | undefined;
  readonly to_us?: number | undefined;
  readonly view: View;
  readonly limit: number;
}

const BATCH_ROWS = 2048;
const OF_TIME = ['interval_us', 'adjustment', 'gaps', 'resample_us', 'calendar'];
const OF_OTHERS = ['threshold', 'measure', 'expected_trades', 'bars_span', 'trades_span', 'growth'];
/** Names of a request for what the specification of bars calls otherwise. */
const NAMES: Readonly<Record<string, string>> = { interval: 'threshold' };

/** Returns whether a request is for bars that end by a threshold. Throws InvalidOptionError for parameters of bars of time with those of others. */
export function isThreshold(query: ThresholdOptions & Readonly<Record<string, unknown>>): boolean {
  const threshold = query.unit !== 'time';
  const wrong = threshold ? OF_TIME : OF_OTHERS;
  const errors = wrong
    .filter((name) => query[name] !== undefined && query[name] !== 'raw' && query[name] !== 'none')
    .map((name) => ({
      pointer: `query/${name}`,
      expected: `only with unit=${threshold ? 'time' : 'another than time'}`,
    }));
  if (errors.length > 0) throw new InvalidOptionError('Expected parameters of one unit of bars', errors);
  return threshold;
}

/** Returns the bars that a request is for. Throws InvalidOptionError with the parameters that are wrong. */
function specOf({
  unit,
  threshold,
  measure,
  expected_trades,
  bars_span,
  trades_span,
  growth,
}: ThresholdOptions): BarSpec {
  const options = { measure, expected_trades, bars_span, trades_span, growth };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const read = barSpecSchema.safeParse({ unit, interval: threshold, ...Object.fromEntries(given) });
  if (read.success) return read.data;
  const errors = read.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ pointer: `query/${key}`, expected: 'only with unit=imbalance' }));
    const name = String(issue.path[0]);
    return [{ pointer: `query/${NAMES[name] ?? name}`, expected: issue.message }];
  });
  throw new InvalidOptionError(`Expected other parameters for bars of unit ${unit}`, errors);
}

/**
 * Answers a request for bars that end by a threshold. They begin with the first trade of the range; a page goes on behind the last trade of the one before.
 * Throws NotFoundError for a symbol without stored trades, InvalidOptionError, StorageUnavailableError.
 */
export async function thresholdBars(
  history: History,
  symbol: string,
  query: ThresholdQuery,
  format: Format,
  signal: AbortSignal,
): Promise<Response> {
  const spec = specOf(query);
  checkPage(query.limit, format);
  const names = await history.namesOf('trade', symbol, { atUs: query.symbol_at_us, source: query.source });
  const source = await history.bars.tradeSource(symbolsOf(symbol, names), query.source);
  if (source === null) throw new NotFoundError('No trades of this symbol and source are stored');
  const gone = new AbortController();
  const ended = AbortSignal.any([signal, gone.signal]);
  const batches = made(history, { ...query, symbol, names, source, spec }, ended);
  const provenance = { sources: [source], view: query.view, made_of: 'trades', spec, ...namesIn(names) };
  if (format !== 'json') return streamReply(format, OUTPUT.bar, batches, provenance, gone);
  const { rows, last } = await page(OUTPUT.bar, batches);
  const next_cursor =
    rows.length === query.limit ? cursorAt(last!.last_us!, last!.last_ordinal!, source) : null;
  const { unit, interval: threshold } = spec;
  return jsonReply({ symbol, unit, threshold, source, bars: rows, next_cursor, provenance }, provenance);
}

async function* made(
  history: History,
  {
    symbol,
    names,
    source,
    spec,
    from_us: fromUs,
    to_us: toUs,
    view,
    limit,
    cursor,
  }: ThresholdQuery & {
    symbol: string;
    names: readonly NamedRange[] | undefined;
    source: string;
    spec: BarSpec;
  },
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const after = cursor === undefined ? undefined : cursorOf(cursor);
  // Thresholds of imbalance follow from all bars before, so that those are made again.
  const again = spec.unit === 'imbalance' ? after : undefined;
  let trades: Record<string, Float64Array> = {};
  let row = 0;
  let left = limit;
  let columns = newColumns();
  const take = (bar: AggregateBar) => {
    const [lastUs, ordinal] = [trades['ts_event_us']![row]!, trades['ordinal']![row]!];
    if (left === 0 || (again && (lastUs < again.tsUs || (lastUs === again.tsUs && ordinal <= again.ordinal))))
      return;
    left--;
    columns.ts_event_us.push(bar.tsUs);
    for (const name of ['open', 'high', 'low', 'close', 'volume', 'trades'] as const)
      columns[name].push(bar[name]);
    columns.last_us.push(lastUs);
    columns.last_ordinal.push(ordinal);
  };
  const aggregator = new TradeAggregator(spec, take);
  const read = {
    kind: 'trade',
    symbol,
    names,
    source,
    fromUs,
    toUs,
    view,
    after: again ? undefined : after,
    signal,
  } as const;
  for await (const batch of history.batches({ ...read, columns: [...TRADE_COLUMNS, 'side', 'ordinal'] })) {
    trades = batch.columns as Record<string, Float64Array>;
    pushTrades(aggregator, batch, (i) => {
      row = i;
    });
    if (left === 0) break;
    if (columns.open.length < BATCH_ROWS) continue;
    yield batchOf(columns);
    columns = newColumns();
  }
  if (columns.open.length > 0) yield batchOf(columns);
}

function newColumns() {
  const names = [
    'ts_event_us',
    'open',
    'high',
    'low',
    'close',
    'volume',
    'trades',
    'last_us',
    'last_ordinal',
  ] as const;
  return Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<
    (typeof names)[number],
    number[]
  >;
}

function batchOf(columns: ReturnType<typeof newColumns>): Batch {
  const rows = columns.open.length;
  const packed = Object.entries(columns).map(([name, values]) => [name, Float64Array.from(values)]);
  return { rows, columns: { ...Object.fromEntries(packed), flags: new Float64Array(rows) } };
}
