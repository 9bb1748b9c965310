// SEC EDGAR: the figures that US companies reported, each with the filing that first and later stated it.
import { InvalidOptionError, NotFoundError, ProviderError } from '../../../../src/core/errors.ts';
import type { Fundamental, InstrumentRecord } from '../../../../src/market/records.ts';
import { Zone } from '../../../../src/market/sessions/days.ts';
import { requiredCredentials } from '../net/credentials.ts';
import { requestLimiter } from '../net/rate-limiter.ts';
import type { RestClient } from '../net/rest-client.ts';
import { sourceRest } from '../net/source-rest.ts';
import type { HistoryRequest, SourceAdapter, SourceContext } from '../port.ts';
import { batches, noHistory, within } from '../requests.ts';
import { SkippedRows } from '../skipped.ts';
import { type Company, cikText, companiesOf, factsOf, instrumentOf } from './messages.ts';

const ID = 'edgar';
const TITLE = 'SEC EDGAR';
const KINDS = ['fundamental', 'instrument'] as const;
const AGENT = 'SEC_EDGAR_USER_AGENT';
/** The SEC blocks addresses that ask more often than 10 times a second. */
const REQUESTS_PER_SECOND = 10;
/** Company facts of the largest filers have tens of megabytes. */
const MAX_BYTES = 128 * 2 ** 20;
const LIST_AGE_US = 86_400_000_000;

/** Makes the source `edgar`. */
export function edgar(context: SourceContext): SourceAdapter {
  let opened: Edgar | undefined;
  const open = () => (opened ??= new Edgar(context));
  return {
    id: ID,
    title: TITLE,
    capabilities: {
      live: [],
      historical: KINDS,
      key: 'required',
      credentials: [AGENT],
      limits: { requestsPerMinute: REQUESTS_PER_SECOND * 60, symbolsPerConnection: null },
      verified: 'documentation',
    },
    nativeSymbol: tickerOf,
    history(request, signal) {
      if (request.kind === 'fundamental') return open().facts(request, signal);
      if (request.kind === 'instrument') return open().instrument(request, signal);
      throw noHistory(TITLE, request, KINDS);
    },
    async instruments(signal) {
      const companies = await open().companies(signal);
      return companies.map((company) => instrumentOf(company, context.clock.nowUs()));
    },
  };
}

/** Tickers of the SEC have a dash where others have a dot: `BRK-B`. */
function tickerOf(symbol: string): string {
  return symbol.toUpperCase().replaceAll('.', '-');
}

class Edgar {
  readonly #context: SourceContext;
  readonly #files: RestClient;
  readonly #data: RestClient;
  readonly #zone = new Zone('America/New_York');
  #list: { readonly companies: readonly Company[]; readonly atUs: number } | undefined;

  constructor(context: SourceContext) {
    const { [AGENT]: agent } = requiredCredentials(context, TITLE, [AGENT]);
    if (!/^[\x20-\x7e]{5,200}$/.test(agent) || !agent.includes('@')) {
      throw new InvalidOptionError(
        `Expected a name and an e-mail address for ${AGENT} (${TITLE} asks who calls), was another text`,
        [{ pointer: `env/${AGENT}`, expected: 'a name and an e-mail address', received: 'string' }],
      );
    }
    this.#context = context;
    const shared = {
      provider: TITLE,
      // Both hosts count as one.
      limit: requestLimiter(context, { burst: 1, perSecond: REQUESTS_PER_SECOND - 1 }),
      headers: { 'user-agent': agent },
      secrets: [agent],
      maxBytes: MAX_BYTES,
      timeoutMs: 60_000,
    };
    this.#files = sourceRest(context, { ...shared, base: 'https://www.sec.gov' });
    this.#data = sourceRest(context, { ...shared, base: 'https://data.sec.gov' });
  }

  /** Companies with a ticker; asked for once a day. */
  async companies(signal: AbortSignal): Promise<readonly Company[]> {
    const nowUs = this.#context.clock.nowUs();
    if (this.#list && nowUs - this.#list.atUs < LIST_AGE_US) return this.#list.companies;
    const skipped = new SkippedRows();
    const companies = companiesOf(await this.#files.json('/files/company_tickers.json', { signal }), skipped);
    if (!companies) throw new ProviderError(`Expected tickers from ${TITLE}, was another answer`, TITLE, 200);
    skipped.tell(this.#context.log, ID, 'company_tickers');
    this.#list = { companies, atUs: nowUs };
    return companies;
  }

  /** Yields the figures that were filed within the range, by the day of filing. */
  async *facts(request: HistoryRequest, signal: AbortSignal): AsyncGenerator<readonly Fundamental[]> {
    const cik = await this.#cik(request, signal);
    const skipped = new SkippedRows();
    const body = await this.#data.json(`/api/xbrl/companyfacts/${cik}.json`, { signal });
    const facts = factsOf(request.symbol, body, this.#zone, skipped);
    if (!facts)
      throw new ProviderError(`Expected company facts from ${TITLE}, was another answer`, TITLE, 200);
    skipped.tell(this.#context.log, ID, request.symbol);
    yield* batches(within(request, facts), signal);
  }

  /** Yields the company as an instrument, as it is listed now. */
  async *instrument(
    request: HistoryRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly InstrumentRecord[]> {
    const company = await this.#company(request.nativeSymbol ?? tickerOf(request.symbol), signal);
    yield [{ ...instrumentOf(company, this.#context.clock.nowUs()), symbol: request.symbol }];
  }

  async #company(native: string, signal: AbortSignal): Promise<Company> {
    const companies = await this.companies(signal);
    const company = companies.find(({ ticker, cik }) => ticker === native || cikText(cik) === native);
    if (company) return company;
    throw new NotFoundError(`${TITLE} lists no company with this ticker; its CIK can be given instead`);
  }

  async #cik(request: HistoryRequest, signal: AbortSignal): Promise<string> {
    const native = request.nativeSymbol ?? tickerOf(request.symbol);
    const number = /^(?:CIK)?(\d{1,10})$/.exec(native);
    if (number) return cikText(Number(number[1]));
    const company = await this.#company(native, signal);
    return cikText(company.cik);
  }
}
