// The connection to TWS or IB Gateway by the SDK: opened while it is used, one for all, back by itself after a loss.
import type { IBApi } from '@stoqey/ib';
import { DependencyUnavailableError, InvalidOptionError } from '../../../../src/core/errors.ts';
import { Backoff } from '../net/backoff.ts';
import { requiredCredentials } from '../net/credentials.ts';
import { said } from '../net/said.ts';
import type { SourceContext } from '../port.ts';

export const TITLE = 'Interactive Brokers';
export const PORT = 'IB_PORT';
const HOST = 'IB_HOST';
const CLIENT_ID = 'IB_CLIENT_ID';
const DEFAULT_CLIENT_ID = 10;
const CONNECT_MS = 15_000;

/** What TWS says of its own connection to IB (TWS API, `System Message Codes`): lost, back without and with what was subscribed to. */
const AWAY = 1100;
const BACK: ReadonlySet<number> = new Set([1101, 1102]);
/** Another program has the number of this client: said before TWS ends the connection. */
const NUMBER_TAKEN = 326;

export type Sdk = typeof import('@stoqey/ib');

/** What one request hears: errors of its number, and the loss of the connection. */
export interface Listener {
  failed(code: number, message: string): void;
  lost(reason: string, retryMs: number): void;
  /** Connected for the first time or again: time to ask. */
  ready(api: IBApi, sdk: Sdk): void;
}

/** One connection. The SDK is loaded at the first request: about 0.2 s and 20 MB. */
export class Gateway {
  readonly #context: SourceContext;
  readonly #address: { readonly host: string; readonly port: number; readonly clientId: number };
  readonly #backoff: Backoff;
  readonly #listeners = new Map<number, Listener>();
  #loading: Promise<Sdk> | undefined;
  #api: IBApi | undefined;
  #ready = false;
  #next = 1;
  #cancel: (() => void) | undefined;

  /** Throws {@link InvalidOptionError} for a missing or wrong variable. */
  constructor(context: SourceContext) {
    const given = requiredCredentials(context, TITLE, [PORT]);
    this.#context = context;
    this.#address = {
      host: context.credential(HOST) ?? '127.0.0.1',
      port: integer(PORT, given[PORT], 1, 65_535),
      clientId: integer(
        CLIENT_ID,
        context.credential(CLIENT_ID) ?? String(DEFAULT_CLIENT_ID),
        0,
        2 ** 31 - 1,
      ),
    };
    this.#backoff = new Backoff(() => context.random());
  }

  /** Gives a request its number, and connects when it is the first. The listener is told later, never within this call. */
  open(listener: Listener): number {
    const id = this.#next++;
    this.#listeners.set(id, listener);
    this.#loading ??= import('@stoqey/ib');
    this.#loading.then(
      (sdk) => {
        if (!this.#listeners.has(id)) return;
        if (!this.#api && !this.#cancel) this.#connect(sdk);
        else if (this.#api && this.#ready) listener.ready(this.#api, sdk);
      },
      (error) => listener.failed(0, said((error as Error).message)),
    );
    return id;
  }

  /** Ends a request; without any the connection ends too. */
  close(id: number): void {
    this.#listeners.delete(id);
    if (this.#listeners.size > 0) return;
    this.#stopTimer();
    this.#drop();
  }

  /** The connection while it is ready. */
  get api(): IBApi | undefined {
    return this.#ready ? this.#api : undefined;
  }

  #connect(sdk: Sdk): void {
    const { EventName } = sdk;
    const api = new sdk.IBApi(this.#address);
    this.#api = api;
    const current = () => this.#api === api;
    api.on(EventName.nextValidId, () => {
      if (!current() || this.#ready) return;
      this.#ready = true;
      this.#stopTimer();
      this.#backoff.reset();
      for (const listener of [...this.#listeners.values()]) listener.ready(api, sdk);
    });
    api.on(EventName.disconnected, () => current() && this.#lost(sdk, 'the connection is lost'));
    api.on(EventName.error, (error: Error, code: number, id: number) => {
      if (!current()) return;
      const listener = this.#listeners.get(id);
      const reason = said(error.message);
      const warning = sdk.isNonFatalError(code, error);
      if (listener && !warning) listener.failed(code, reason);
      // Without a number: of the connection, or a message that the SDK cannot read.
      else if (!this.#ready && !warning) this.#lost(sdk, reason);
      else this.#context.log.warn({ source: 'ib', code, reason }, 'a warning of IB');
    });
    // The socket to TWS stays open while TWS has lost IB, and nothing comes over it.
    api.on(EventName.info, (message: string, code: number) => {
      if (!current()) return;
      if (code === NUMBER_TAKEN || BACK.has(code)) this.#lost(sdk, said(message));
      else if (code === AWAY) this.#tell(said(message), CONNECT_MS);
    });
    this.#cancel = this.#context.timers.after(CONNECT_MS, () => {
      if (current() && !this.#ready) this.#lost(sdk, `not ready within ${CONNECT_MS} ms`);
    });
    api.connect();
  }

  #lost(sdk: Sdk, reason: string): void {
    this.#stopTimer();
    this.#drop();
    const retryMs = this.#backoff.next();
    this.#cancel = this.#context.timers.after(retryMs, () => {
      this.#cancel = undefined;
      if (this.#listeners.size > 0 && !this.#api) this.#connect(sdk);
    });
    this.#tell(reason, retryMs);
  }

  #tell(reason: string, retryMs: number): void {
    for (const listener of [...this.#listeners.values()]) listener.lost(reason, retryMs);
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #drop(): void {
    const api = this.#api;
    this.#api = undefined;
    this.#ready = false;
    if (!api) return;
    api.removeAllListeners();
    // A socket that ends may still tell an error, which nobody has to hear.
    api.on('error' as never, (() => {}) as never);
    api.disconnect();
  }
}

/** Returns the error of a connection that is not there. */
export function awayError(reason: string): DependencyUnavailableError {
  return new DependencyUnavailableError(`Expected a connection to ${TITLE}, was none: ${reason}`);
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const expected = `an integer from ${least} to ${most}`;
  throw new InvalidOptionError(`Expected ${expected} for ${name}, was another text`, [
    { pointer: `env/${name}`, expected, received: 'string' },
  ]);
}
