// What changes seldom, as it was known at a time: instruments, corporate actions, economic series, fundamentals.
import type { DuckDBValue } from '@duckdb/node-api';
import type { History } from './history.ts';
import type { ActionsQuery, FundamentalsQuery, InstrumentsQuery, MacroQuery } from './schemas.ts';
import { QUARANTINED_SQL } from './tables.ts';
import { historySql, LAST_US, tableSql } from './view.ts';

/** A question with the time of which the answer is. */
type AsOf<Query> = Query & { readonly as_of_us: number };
type Rows = Record<string, number | string | null>[];

const GOOD = `NOT (${QUARANTINED_SQL})`;

async function rowsOf(history: History, sql: string, values: DuckDBValue[]): Promise<Rows> {
  const { database } = history;
  return database.reading((connection) => database.rows(sql, values, connection)) as Promise<Rows>;
}

/** Returns descriptions of instruments with the time from which and up to which each is valid, by symbol; a page. */
export async function instruments(history: History, query: InstrumentsQuery) {
  const values: DuckDBValue[] = [query.after ?? ''];
  const where = ['s.symbol > $1'];
  for (const name of ['symbol', 'source'] as const) {
    if (query[name] === undefined) continue;
    values.push(query[name]);
    where.push(`s.${name} = $${values.length}`);
  }
  const at =
    query.at_us === undefined
      ? 'true'
      : `valid_from_us <= ${query.at_us} AND coalesce(valid_to_us, ${LAST_US}) > ${query.at_us}`;
  // Of one symbol a source may tell at several venues: each has versions of its own.
  const versions = `SELECT symbol, source, venue, native_symbol, asset_class, base, quote, price_decimals, size_decimals, tick_size, lot_size, status,
      ts_event_us::DOUBLE AS valid_from_us,
      lead(ts_event_us) OVER (PARTITION BY symbol, source, venue ORDER BY ts_event_us, ordinal)::DOUBLE AS valid_to_us
    FROM (${tableSql('instrument', where.join(' AND '))}) WHERE ${GOOD}`;
  // One more symbol than asked for tells whether there is a next page; a symbol is never cut in two.
  const found = await rowsOf(
    history,
    `FROM (${versions}) WHERE ${at} QUALIFY dense_rank() OVER (ORDER BY symbol) <= ${query.limit + 1} ORDER BY symbol, source, venue, valid_from_us`,
    values,
  );
  const symbols = [...new Set(found.map((row) => row['symbol'] as string))];
  const kept = symbols.slice(0, query.limit);
  const next_after = symbols.length > query.limit ? kept.at(-1)! : null;
  return { instruments: found.filter((row) => kept.includes(row['symbol'] as string)), next_after };
}

/** Returns the corporate actions of a symbol, oldest first. */
export async function corporateActions(history: History, symbol: string, query: ActionsQuery) {
  const { from_us: fromUs, to_us: toUs, source } = query;
  const { sql, values } = await historySql(history.database, 'corporate_action', {
    symbol,
    source,
    fromUs,
    toUs,
  });
  const actions = await rowsOf(
    history,
    `SELECT ts_event_us::DOUBLE AS ts_event_us, ts_receive_us::DOUBLE AS ts_receive_us, source, action, ratio, amount, renamed_to
       FROM (${sql}) WHERE ${GOOD} ORDER BY ts_event_us, ordinal`,
    values,
  );
  return { symbol, actions };
}

/** Returns the points of an economic series in the vintage of a time: of each date the newest value that was known then. */
export async function macroPoints(history: History, series: string, query: AsOf<MacroQuery>) {
  const { from_us: fromUs, to_us: toUs, as_of_us, source, limit, offset } = query;
  const { sql, values } = await historySql(history.database, 'macro', {
    symbol: series,
    source,
    fromUs,
    toUs,
  });
  const points = await rowsOf(
    history,
    `SELECT ts_event_us::DOUBLE AS ts_event_us, value, as_of_us::DOUBLE AS as_of_us, source FROM (${sql})
      WHERE ${GOOD} AND as_of_us <= ${as_of_us}
      QUALIFY row_number() OVER (PARTITION BY ts_event_us, source ORDER BY as_of_us DESC, ordinal DESC) = 1
      ORDER BY ts_event_us, source LIMIT ${limit} OFFSET ${offset}`,
    values,
  );
  return { series, points, next_offset: points.length === limit ? offset + limit : null };
}

/** Returns the figures of a company that were known at a time: of each concept, unit and period the one filed last before it. */
export async function fundamentals(history: History, symbol: string, query: AsOf<FundamentalsQuery>) {
  const { as_of_us, concept, source, limit, offset } = query;
  const { sql, values } = await historySql(history.database, 'fundamental', {
    symbol,
    source,
  });
  if (concept !== undefined) values.push(concept);
  const facts = await rowsOf(
    history,
    `SELECT concept, unit_of_value AS unit, value, period_start_us::DOUBLE AS period_start_us, period_end_us::DOUBLE AS period_end_us,
        as_of_us::DOUBLE AS as_of_us, form, accession, source FROM (${sql})
      WHERE ${GOOD} AND as_of_us <= ${as_of_us}${concept === undefined ? '' : ` AND concept = $${values.length}`}
      QUALIFY row_number() OVER (PARTITION BY concept, unit_of_value, period_start_us, period_end_us, source ORDER BY as_of_us DESC, ordinal DESC) = 1
      ORDER BY concept, unit, period_end_us, period_start_us, source LIMIT ${limit} OFFSET ${offset}`,
    values,
  );
  return { symbol, facts, next_offset: facts.length === limit ? offset + limit : null };
}
