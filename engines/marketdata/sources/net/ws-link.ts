// A WebSocket that stays: it connects, watches, pings, and comes back by itself after any loss, until it is closed.
import type { Clock } from '../../../../src/core/clock.ts';
import type { Timers } from '../../../../src/core/timers.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { type RateLimit, RateLimiter } from './rate-limiter.ts';
import { said } from './said.ts';

export interface LinkEvents {
  /** Connected: time to subscribe. What was sent on an earlier connection is forgotten by both sides. */
  open(): void;
  message(data: string | Uint8Array, receivedUs: number): void;
  /** The connection is gone; it comes back after `retryMs`. */
  lost(reason: string, retryMs: number): void;
  /** The answer to a ping frame came. */
  pong?(): void;
}

export interface LinkOptions {
  /** Address; asked again for each connection. */
  readonly url: () => string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Values that never appear in a reason. */
  readonly secrets?: readonly string[] | undefined;
  readonly backoff?: BackoffOptions | undefined;
  /** Time until a connection has to be open. */
  readonly connectMs?: number | undefined;
  /** Nothing heard for so long: the connection is given up. Messages count; pongs only where pings are frames. */
  readonly silenceMs: number;
  /** What to send every so often so that a living connection is never silent: a message, or ping frames. */
  readonly ping?: { readonly everyMs: number; readonly message: 'frame' | (() => string) } | undefined;
  /** Largest message in characters or bytes; more ends the connection. The client itself refuses over 128 MiB before it is whole. */
  readonly maxMessageBytes?: number | undefined;
  /** A connection that lasted so long was no failure: the next wait is short again. */
  readonly healthyMs?: number | undefined;
  /** Age at which a connection is replaced, where the provider would end it soon. */
  readonly maxAgeMs?: number | undefined;
  /** How fast messages may be sent. */
  readonly sends?: RateLimit | undefined;
  /** Milliseconds of one turn of the event loop that messages may take; then reading pauses until the next. */
  readonly turnMs?: number | undefined;
}

const CONNECT_MS = 10_000;
const HEALTHY_MS = 30_000;
const MAX_MESSAGE_BYTES = 16 * 2 ** 20;
const TURN_MS = 10;

/** What the standard type lacks of Bun's client. */
interface BunSocket {
  ping(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  addEventListener(name: 'pong', listener: (event: Event) => void): void;
}

/** One connection that is kept up. */
export class WsLink {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  readonly #backoff: Backoff;
  #socket: WebSocket | undefined;
  #attempt: AbortController | undefined;
  #openedUs = 0;
  #heardUs = 0;
  #open = false;
  #closed = false;
  #outgoing: RateLimiter | undefined;
  /** When the first message of this turn of the event loop came, on a monotonic clock in milliseconds. */
  #turnMs: number | undefined;
  /** The connection that is not read until the next turn. */
  #paused: BunSocket | undefined;
  /** Timers of this connection, or the one of the next try. */
  readonly #timers = new Set<() => void>();

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#backoff = new Backoff(options.random, options.backoff);
    this.#connect();
  }

  /** Whether it is connected now. */
  get connected(): boolean {
    return this.#open;
  }

  /** Sends at the allowed pace; what a lost connection had not sent is dropped, as `open` says everything anew. */
  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (!this.#open) return;
    const { signal } = this.#attempt!;
    if (!this.#outgoing) this.#socket!.send(message);
    else {
      this.#outgoing.take(1, signal).then(
        () => !signal.aborted && this.#socket!.send(message),
        () => {},
      );
    }
  }

  /** Gives this connection up for a new one, as after a loss: the other side is about to end it. */
  renew(reason: string): void {
    if (this.#open) this.#lose(reason);
  }

  /** Closes for good. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop(true);
  }

  #connect(): void {
    const { url, headers, timers, clock, sends, connectMs = CONNECT_MS } = this.#options;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#outgoing = sends && new RateLimiter({ ...sends, clock, timers });
    let socket: WebSocket;
    try {
      // The standard type knows protocols only in this place; Bun takes headers too.
      socket = new WebSocket(url(), (headers ? { headers: { ...headers } } : undefined) as undefined);
    } catch (error) {
      this.#lose((error as Error).message);
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const { signal } = attempt;
    // The old socket may still speak after it was given up.
    const listen =
      <E>(handle: (event: E) => void) =>
      (event: E) =>
        void (signal.aborted || handle(event));
    this.#after(connectMs, () => this.#open || this.#lose(`not connected within ${connectMs} ms`));
    socket.addEventListener(
      'open',
      listen(() => this.#opened()),
    );
    socket.addEventListener(
      'message',
      listen((event: MessageEvent) => this.#heard(event.data)),
    );
    socket.addEventListener(
      'error',
      listen((event: Event) => this.#lose((event as ErrorEvent).message || 'error')),
    );
    socket.addEventListener(
      'close',
      listen((event: CloseEvent) =>
        this.#lose(`closed with ${event.code}${event.reason ? `: ${event.reason}` : ''}`),
      ),
    );
    (socket as unknown as BunSocket).addEventListener(
      'pong',
      listen(() => this.#ponged()),
    );
  }

  #opened(): void {
    const { clock, ping, silenceMs, maxAgeMs } = this.#options;
    this.#open = true;
    this.#openedUs = clock.nowUs();
    this.#heardUs = this.#openedUs;
    this.#after(silenceMs, () => this.#watch());
    if (ping) this.#after(ping.everyMs, () => this.#ping());
    if (maxAgeMs) this.#after(maxAgeMs, () => this.#lose(`replaced after ${maxAgeMs} ms`));
    this.#events.open();
  }

  #heard(data: unknown): void {
    const { clock, maxMessageBytes = MAX_MESSAGE_BYTES, turnMs = TURN_MS } = this.#options;
    if (this.#turnMs === undefined) {
      this.#turnMs = performance.now();
      setImmediate(() => this.#turn());
    }
    this.#heardUs = clock.nowUs();
    const message = typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer);
    if (message.length > maxMessageBytes)
      this.#lose(`a message of ${message.length} bytes, of ${maxMessageBytes} allowed`);
    else this.#events.message(message, this.#heardUs);
    // Bun reads on while there is more: a venue that says more than can be done would keep timers, requests and writes from their turn. Paused,
    // what is not read waits at the venue, which cuts off whoever is too slow.
    if (this.#paused || performance.now() - this.#turnMs < turnMs) return;
    this.#paused = this.#socket as unknown as BunSocket | undefined;
    this.#paused?.pause();
  }

  #turn(): void {
    this.#turnMs = undefined;
    const paused = this.#paused;
    this.#paused = undefined;
    // Another one may have taken its place.
    if (paused && paused === (this.#socket as unknown)) paused.resume();
  }

  #ponged(): void {
    if (this.#options.ping?.message === 'frame') this.#heardUs = this.#options.clock.nowUs();
    this.#events.pong?.();
  }

  #ping(): void {
    const { everyMs, message } = this.#options.ping!;
    if (message === 'frame') (this.#socket as unknown as BunSocket).ping();
    else this.send(message());
    this.#after(everyMs, () => this.#ping());
  }

  // One timer that looks at the last message, instead of one that each message moves.
  #watch(): void {
    const { clock, silenceMs } = this.#options;
    const leftMs = silenceMs - (clock.nowUs() - this.#heardUs) / 1000;
    if (leftMs > 0) this.#after(leftMs, () => this.#watch());
    else this.#lose(`silent for ${silenceMs} ms`);
  }

  #lose(reason: string): void {
    const { clock, healthyMs = HEALTHY_MS, secrets } = this.#options;
    if (this.#open && clock.nowUs() - this.#openedUs >= healthyMs * 1000) this.#backoff.reset();
    this.#drop();
    const retryMs = this.#backoff.next();
    this.#after(retryMs, () => this.#connect());
    this.#events.lost(said(reason, secrets), retryMs);
  }

  /** Ends the connection and its timers, with a word to the other side when it is on `purpose`. */
  #drop(purpose = false): void {
    this.#open = false;
    this.#attempt?.abort();
    this.#attempt = undefined;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    if (purpose && socket.readyState === WebSocket.OPEN) socket.close(1000);
    // Nobody waits for an answer: one that never comes would keep the socket for ever.
    (socket as unknown as BunSocket).terminate();
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.timers.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}
