// The SDK of Alpaca, loaded at first use, with its requests through the shared client.
import type { marketData, streaming } from '@alpacahq/alpaca-trade-api';
import { NautilusError, ProviderError } from '../../../../src/core/errors.ts';
import { requiredCredentials } from '../net/credentials.ts';
import { parseJson } from '../net/json.ts';
import type { RestClient } from '../net/rest-client.ts';
import { said } from '../net/said.ts';
import { sourceRest } from '../net/source-rest.ts';
import type { SourceContext } from '../port.ts';

export const TITLE = 'Alpaca';
export const KEY_ID = 'APCA_API_KEY_ID';
export const SECRET = 'APCA_API_SECRET_KEY';
export const REQUESTS_PER_MINUTE = 200;

/** Feeds of Alpaca: one exchange for free, or all of them. */
export type Feed = 'iex' | 'sip';

/** What is used of the SDK. */
export interface Alpaca {
  readonly stocks: marketData.StockApi;
  readonly actions: marketData.CorporateActionsApi;
  stream(options: { readonly feed: Feed; readonly url?: string }): streaming.StockDataStream;
}

/** The credentials of a source, and its SDK as soon as it is needed. */
export class AlpacaClient {
  readonly secrets: readonly string[];
  readonly #context: SourceContext;
  readonly #rest: RestClient;
  #loading: Promise<Alpaca> | undefined;

  /** Throws InvalidOptionError when a credential is missing. */
  constructor(context: SourceContext) {
    const given = requiredCredentials(context, TITLE, [KEY_ID, SECRET]);
    this.secrets = [given[KEY_ID], given[SECRET]];
    this.#context = context;
    this.#rest = sourceRest(context, {
      provider: TITLE,
      base: 'https://data.alpaca.markets',
      limit: { burst: 10, perSecond: (REQUESTS_PER_MINUTE - 10) / 60 },
      secrets: this.secrets,
    });
  }

  /** The SDK: about 0.1 s and 26 MB the first time. */
  sdk(): Promise<Alpaca> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Returns the body of what the SDK asked for, with long numbers as text. Throws as {@link RestClient.json} does. */
  async body(
    call: (sdk: Alpaca) => Promise<{ readonly raw: Response }>,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      const { raw } = await call(await this.sdk());
      return parseJson(await raw.text());
    } catch (error) {
      signal.throwIfAborted();
      for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
        if (cause instanceof NautilusError) throw cause;
      const why = said((error as Error).message, this.secrets);
      throw new ProviderError(`Expected an answer from ${TITLE}, was another: ${why}`, TITLE, 200);
    }
  }

  async #load(): Promise<Alpaca> {
    const { marketData: api, streaming: streams } = await import('@alpacahq/alpaca-trade-api');
    const [keyId, secret] = this.secrets as [string, string];
    const configuration = new api.Configuration({
      keyId,
      secret,
      // Limits, time limits and retries are those of the shared client.
      timeoutMs: 0,
      fetchApi: (async (input: string | URL | Request, init?: RequestInit) => {
        const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input);
        const headers = Object.fromEntries(new Headers(init?.headers));
        const query = Object.fromEntries(searchParams);
        const signal = init?.signal ?? undefined;
        return new Response(await this.#rest.text(pathname, { query, headers, signal }));
      }) as typeof fetch,
    });
    return {
      stocks: new api.StockApi(configuration),
      actions: new api.CorporateActionsApi(configuration),
      stream: (options) =>
        new streams.StockDataStream({
          ...options,
          credentials: { keyId, secret },
          maxReconnectAttempts: streams.UNLIMITED_RECONNECT_ATTEMPTS,
          initialReconnectMs: 500,
          maxReconnectMs: 30_000,
          reconnectJitter: 0.5,
          ...(this.#context.endpoint('stream') && {
            url: `${this.#context.endpoint('stream')}/v2/${options.feed}`,
          }),
        }),
    };
  }
}
