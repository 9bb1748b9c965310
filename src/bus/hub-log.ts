// The hub's durable log and lease board as an engine's process uses them, over a connection of their own: what is published
// cannot hold them up.
import { DependencyUnavailableError } from '../core/errors.ts';
import {
  checkAppend,
  type EventLog,
  type LogBatch,
  type LogBounds,
  type LogPlace,
  type ReadOptions,
  type StreamId,
} from './event-log.ts';
import { encodeFrame, type Frame, FrameType } from './frame.ts';
import { type HubMethod, type HubMethods, type Refusal, refusalError } from './hub-services.ts';
import { type HubClientOptions, HubSocket } from './hub-socket.ts';
import type { Lease, LeaseBoard } from './lease-board.ts';
import { streamKey } from './log-readers.ts';

// Larger appends travel in several requests.
const REQUEST_UNITS = 2 ** 20;

const TIMEOUT_MS = 10_000;

export interface HubLinkOptions extends HubClientOptions {
  /** Milliseconds after which a hub that does not answer counts as away; default 10,000. Waiting reads get so much more. */
  readonly timeoutMs?: number;
}

interface Waiting {
  /** When the answer is no longer waited for, by `performance.now()`. */
  readonly until: number;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Sends requests to the hub and matches the replies. What is under way when the connection is lost is rejected at once, what a
 * hanging hub does not answer some time later.
 */
export class HubLink {
  readonly #socket: HubSocket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timeoutMs: number;
  readonly #watch: ReturnType<typeof setInterval>;
  #nextId = 1;

  constructor(options: HubLinkOptions) {
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    // One timer for all requests: when exactly one is given up does not matter.
    this.#watch = setInterval(() => this.#rejectLate(), this.#timeoutMs / 10);
    this.#socket = new HubSocket(options, {
      opened: () => {},
      frame: (frame) => this.#handle(frame),
      lost: () => this.#rejectAll(),
      dropped: () => {},
      broken: () => {},
    });
    void this.#socket.connect();
  }

  get connected(): boolean {
    return this.#socket.connected;
  }

  /** Asks the hub. Throws DependencyUnavailableError when it is away, and what it refuses with. */
  request<M extends HubMethod>(method: M, params: HubMethods[M]): Promise<unknown> {
    return this.start(method, params).result;
  }

  /** Asks the hub something that can be cancelled: it then answers with what it has. */
  start<M extends HubMethod>(method: M, params: HubMethods[M], waitMs = 0) {
    const id = this.#nextId;
    this.#nextId = (id % 0xffff_ffff) + 1;
    const result = new Promise<never>((resolve, reject) => {
      const frame = encodeFrame(FrameType.Request, id, method, JSON.stringify(params));
      if (!this.#socket.send(frame)) reject(away());
      else this.#waiting.set(id, { until: performance.now() + this.#timeoutMs + waitMs, resolve, reject });
    });
    const cancel = () => void this.#socket.send(encodeFrame(FrameType.Cancel, id, ''));
    return { result, cancel };
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#socket.close();
  }

  #rejectLate(): void {
    const now = performance.now();
    for (const [id, { until, reject }] of this.#waiting) {
      if (until > now) continue;
      this.#waiting.delete(id);
      reject(away());
    }
  }

  #handle(frame: Frame): void {
    if (frame.type !== FrameType.Reply) return;
    const waiting = this.#waiting.get(frame.number);
    if (!waiting) return;
    this.#waiting.delete(frame.number);
    const value = JSON.parse(frame.payload.toString('utf8')) as never;
    if (frame.name === 'ok') waiting.resolve(value);
    else waiting.reject(refusalError(value as Refusal));
  }

  #rejectAll(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(away());
  }
}

function away(): DependencyUnavailableError {
  return new DependencyUnavailableError('The hub is away');
}

/** The log of the hub. */
export class HubLog implements EventLog {
  readonly kind = 'hub';
  readonly #link: HubLink;
  /** The last part of each append that travels in several requests: later ones of its stream queue behind it. */
  readonly #long = new Map<string, Promise<unknown>>();
  /** The newest generation of each stream that the hub has said to hold. */
  readonly #known = new Map<string, string>();

  constructor(link: HubLink) {
    this.#link = link;
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  /**
   * As the port says. When the hub has lost a stream that this client knew (its file was broken), the answer is 0 once, so that
   * the caller sends what it still has from its oldest event on; the next append then begins anywhere.
   */
  async append(
    stream: StreamId,
    generation: string,
    first: number,
    payloads: readonly string[],
  ): Promise<number> {
    checkAppend(generation, first, payloads);
    const parts = [...split(payloads)];
    const key = streamKey(stream);
    const ahead = this.#long.get(key);
    if (parts.length === 1 && !ahead) return this.#send(stream, generation, first, payloads);
    const sent = (async () => {
      await ahead?.catch(() => {});
      return this.#sendParts(stream, generation, first, parts);
    })();
    this.#long.set(key, sent);
    return sent.finally(() => {
      if (this.#long.get(key) === sent) this.#long.delete(key);
    });
  }

  async bounds({ topic, partition }: StreamId): Promise<LogBounds> {
    const bounds = (await this.#link.request('log.bounds', { topic, partition })) as LogBounds;
    const key = streamKey({ topic, partition });
    // Who only looks must not hide from the next append that something was lost.
    if (bounds.generation > (this.#known.get(key) ?? '')) this.#known.set(key, bounds.generation);
    return bounds;
  }

  async read(places: readonly LogPlace[], options: ReadOptions): Promise<LogBatch[]> {
    const { maxEvents, waitMs, signal } = options;
    const params = { places: [...places], maxEvents, waitMs: signal?.aborted ? 0 : waitMs };
    const { result, cancel } = this.#link.start('log.read', params, params.waitMs);
    signal?.addEventListener('abort', cancel);
    try {
      return (await result) as LogBatch[];
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  async trim({ topic, partition }: StreamId, position: number): Promise<void> {
    await this.#link.request('log.trim', { topic, partition, position });
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  // One after the other: a stream may begin at any position, so that a part must not arrive when the one before it failed.
  async #sendParts(stream: StreamId, generation: string, first: number, parts: readonly string[][]) {
    let next = first;
    let last = 0;
    for (const part of parts) {
      last = await this.#send(stream, generation, next, part);
      next += part.length;
      if (last < next - 1) break;
    }
    return last;
  }

  async #send(stream: StreamId, generation: string, first: number, payloads: readonly string[]) {
    const { topic, partition } = stream;
    const key = streamKey(stream);
    const known = this.#known.get(key) === generation;
    const params = { topic, partition, generation, first, payloads: payloads as string[], known };
    const last = (await this.#link.request('log.append', params)) as number;
    if (last > 0) this.#known.set(key, generation);
    else this.#known.delete(key);
    return last;
  }
}

function* split(payloads: readonly string[]): Generator<string[]> {
  let part: string[] = [];
  let units = 0;
  for (const payload of payloads) {
    if (part.length > 0 && units + payload.length > REQUEST_UNITS) {
      yield part;
      part = [];
      units = 0;
    }
    part.push(payload);
    units += payload.length;
  }
  yield part;
}

/** The lease board of the hub. */
export class HubLeases implements LeaseBoard {
  readonly #link: HubLink;

  constructor(link: HubLink) {
    this.#link = link;
  }

  async heartbeat(group: string, member: string, ttlMs: number): Promise<string[]> {
    return (await this.#link.request('leases.heartbeat', { group, member, ttlMs })) as string[];
  }

  async claim(
    group: string,
    member: string,
    resources: readonly { readonly resource: string; readonly minEpoch: number }[],
    ttlMs: number,
  ): Promise<Lease[]> {
    return (await this.#link.request('leases.claim', {
      group,
      member,
      resources: [...resources],
      ttlMs,
    })) as Lease[];
  }

  async release(group: string, member: string, resources: readonly string[]): Promise<void> {
    await this.#link.request('leases.release', { group, member, resources: [...resources] });
  }

  async leave(group: string, member: string): Promise<void> {
    await this.#link.request('leases.leave', { group, member });
  }

  async holders(group: string): Promise<Lease[]> {
    return (await this.#link.request('leases.holders', { group })) as Lease[];
  }
}
