// FRED, economic data of the Federal Reserve Bank of St. Louis: all values of a series with the day since when each was known.
import { ProviderError } from '../../../../src/core/errors.ts';
import type { MacroPoint } from '../../../../src/market/records.ts';
import { dayText, Zone } from '../../../../src/market/sessions/days.ts';
import { requiredCredentials } from '../net/credentials.ts';
import type { RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import type { HistoryRequest, SourceAdapter, SourceContext } from '../port.ts';
import { batches, noHistory } from '../requests.ts';
import { SkippedRows } from '../skipped.ts';
import { type Observation, observationsOf, type Page, pointOf, vintagesOf } from './messages.ts';

const ID = 'fred';
const TITLE = 'FRED';
const KEY = 'FRED_API_KEY';
const REQUESTS_PER_MINUTE = 120;
/** Most vintages of one request for observations; more are refused. */
const VINTAGES = 2000;
const PAGE_ROWS = 100_000;
const PAGE_VINTAGES = 10_000;
/** How the API writes "until now". */
const OPEN_END = '9999-12-31';
const FIRST_DAY = '1776-07-04';

/** Makes the source `fred`. */
export function fred(context: SourceContext): SourceAdapter {
  let opened: { client: RestClient; key: string } | undefined;
  const open = () => (opened ??= connect(context));
  return {
    id: ID,
    title: TITLE,
    capabilities: {
      live: [],
      historical: ['macro'],
      key: 'required',
      credentials: [KEY],
      limits: { requestsPerMinute: REQUESTS_PER_MINUTE, symbolsPerConnection: null },
      verified: 'documentation',
    },
    nativeSymbol: (symbol) => symbol.toUpperCase(),
    history(request, signal) {
      if (request.kind !== 'macro') throw noHistory(TITLE, request, ['macro']);
      const { client, key } = open();
      return new Series(context, client, key, request, signal).points();
    },
  };
}

function connect(context: SourceContext): { client: RestClient; key: string } {
  const { [KEY]: key } = requiredCredentials(context, TITLE, [KEY]);
  const client = sourceRest(context, {
    provider: TITLE,
    base: 'https://api.stlouisfed.org/fred',
    limit: { burst: 10, perSecond: (REQUESTS_PER_MINUTE - 10) / 60 },
    secrets: [key],
  });
  return { client, key };
}

/** One reading of a series. */
class Series {
  readonly #context: SourceContext;
  readonly #client: RestClient;
  readonly #key: string;
  readonly #request: HistoryRequest;
  readonly #signal: AbortSignal;
  readonly #skipped = new SkippedRows();
  // FRED tells days of its own clock.
  readonly #zone = new Zone('America/Chicago');
  readonly #id: string;

  constructor(
    context: SourceContext,
    client: RestClient,
    key: string,
    request: HistoryRequest,
    signal: AbortSignal,
  ) {
    this.#context = context;
    this.#client = client;
    this.#key = key;
    this.#request = request;
    this.#signal = signal;
    this.#id = request.nativeSymbol ?? request.symbol.toUpperCase();
  }

  /**
   * Yields all values of all vintages in the order in which they became known. A request covers 2,000 vintages; in an answer, what was
   * known before its first day is dated to that day, and left out where the answers before already had it.
   */
  async *points(): AsyncGenerator<readonly MacroPoint[]> {
    const vintages = await this.#vintages();
    const known = new Map<number, number | null>();
    for (let at = 0; at < vintages.length; at += VINTAGES) {
      const next = vintages[at + VINTAGES];
      const rows = await this.#observations(vintages[at]!, next === undefined ? OPEN_END : dayBefore(next));
      rows.sort((a, b) => a.vintage - b.vintage || a.day - b.day);
      const fresh = rows.filter((row) => {
        if (known.has(row.day) && known.get(row.day) === row.value) return false;
        known.set(row.day, row.value);
        return true;
      });
      yield* batches(
        fresh.map((row) => pointOf(this.#request.symbol, row, this.#zone)),
        this.#signal,
      );
    }
    this.#skipped.tell(this.#context.log, ID, this.#request.symbol);
  }

  #vintages(): Promise<string[]> {
    return this.#pages(
      '/series/vintagedates',
      { realtime_start: FIRST_DAY, realtime_end: OPEN_END },
      PAGE_VINTAGES,
      vintagesOf,
    );
  }

  #observations(realtimeStart: string, realtimeEnd: string): Promise<Observation[]> {
    const { fromUs, toUs } = this.#request;
    return this.#pages(
      '/series/observations',
      {
        realtime_start: realtimeStart,
        realtime_end: realtimeEnd,
        observation_start: dateOf(fromUs),
        observation_end: dateOf(toUs),
        output_type: 1,
      },
      PAGE_ROWS,
      (body) => observationsOf(body, this.#skipped),
    );
  }

  async #pages<T>(
    path: string,
    query: Record<string, string | number>,
    limit: number,
    read: (body: unknown) => Page<T> | null,
  ): Promise<T[]> {
    const rows: T[] = [];
    for (let offset = 0; ; ) {
      const asked = {
        ...query,
        series_id: this.#id,
        sort_order: 'asc',
        limit,
        offset,
        file_type: 'json',
        api_key: this.#key,
      };
      const body = await this.#client.json(path, { query: asked, signal: this.#signal });
      const page = read(body);
      if (!page)
        throw new ProviderError(`Expected pages of ${path} from ${TITLE}, was another answer`, TITLE, 200);
      for (const row of page.rows) rows.push(row);
      offset += page.sent;
      if (offset >= page.count || page.sent === 0) return rows;
    }
  }
}

/** A day within what the API takes for one. */
function dateOf(us: number): string {
  const text = new Date(Math.min(us, Date.UTC(9999, 11, 31) * 1000) / 1000).toISOString().slice(0, 10);
  return text < FIRST_DAY ? FIRST_DAY : text;
}

function dayBefore(date: string): string {
  return dayText(Date.parse(`${date}T00:00:00Z`) / 86_400_000 - 1);
}
