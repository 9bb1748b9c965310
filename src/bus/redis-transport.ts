// The Redis transport: a PUBLISH of one JSON text for each batch, subscriptions that hear each message once.
import type { Redis } from 'ioredis';
import type { RedisSettings } from '../core/redis-settings.ts';
import { deliverJson } from './delivery.ts';
import type { Envelope } from './envelope.ts';
import { compilePattern } from './pattern.ts';
import { busKey, busTarget } from './redis-cluster.ts';
import { LINK_TIMING, type LinkTiming, RedisLink } from './redis-link.ts';
import { PUBLISH } from './redis-scripts.ts';
import type { Transport, TransportSink } from './transport.ts';

export interface RedisTransportOptions {
  readonly settings: RedisSettings;
  /** Name that `CLIENT LIST` shows for the two connections. */
  readonly name: string;
  /** Characters of batches that Redis has not confirmed yet; further batches are dropped. */
  readonly maxQueuedChars?: number;
  readonly timing?: LinkTiming;
  /** Called when `connected` changes; `reason` says why it was lost and holds no secret. */
  readonly onChange?: (connected: boolean, reason: string) => void;
}

interface Entry {
  readonly matches: (topic: string) => boolean;
  readonly isGlob: boolean;
  confirmed: boolean;
  waiting: (() => void)[];
}

const MAX_QUEUED_CHARS = 64 * 2 ** 20;
const CLOSE_MS = 1000;
// A system call costs more than all else of a small batch; joining large ones would cost more than it saves.
const JOIN_CHARS = 4096;

function sameServer(a: Redis, b: Redis): boolean {
  return a.options.host === b.options.host && a.options.port === b.options.port;
}

/** Returns `text` as a Redis glob that matches it literally, except for the signs in `keep`. */
function escapeGlob(text: string, keep = ''): string {
  return text.replace(/[[\]\\*?]/g, (sign) => (keep.includes(sign) ? sign : `\\${sign}`));
}

/** What is sent in one go leaves in one write. */
function joinWrites({ stream }: Redis): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  queueMicrotask(() => stream.uncork());
}

/**
 * Carries batches over Redis publish/subscribe: at most once, in one order for all readers of one Redis. A batch that
 * was under way when the connection broke counts as dropped, though Redis may have taken it.
 */
export class RedisTransport implements Transport {
  readonly kind = 'redis';
  readonly #options: RedisTransportOptions;
  readonly #prefix: string;
  /** Only in a cluster. */
  readonly #busKey: string | undefined;
  readonly #commands: RedisLink;
  readonly #subscriber: RedisLink;
  // In the order in which Redis was asked: what Redis has confirmed is always the beginning of it.
  readonly #entries = new Map<string, Entry>();
  readonly #elected = new Map<string, string | undefined>();
  #sink: TransportSink | undefined;
  #subscribed = false;
  #told = false;
  #underWay = 0;
  #underWayChars = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: RedisTransportOptions) {
    this.#options = options;
    const { settings, name, timing = LINK_TIMING } = options;
    this.#prefix = settings.prefix;
    const key = settings.cluster && busKey(settings);
    this.#busKey = key;
    const commands = {
      opened: () => {
        this.#keepTogether();
        this.#tell('');
      },
      lost: (reason: string) => this.#tell(reason),
    };
    this.#commands = new RedisLink(
      settings,
      `nautilus-${name}`,
      commands,
      timing,
      busTarget(settings, false),
    );
    const subscriber = {
      opened: (client: Redis) => void this.#resubscribe(client),
      lost: (reason: string) => {
        this.#subscribed = false;
        for (const entry of this.#entries.values()) entry.confirmed = false;
        this.#tell(reason);
      },
    };
    this.#subscriber = new RedisLink(
      settings,
      `nautilus-${name}-sub`,
      subscriber,
      timing,
      busTarget(settings, true),
    );
  }

  /** Whether both connections answer and Redis has confirmed every subscription. */
  get connected(): boolean {
    const [subscriber, commands] = [this.#subscriber.client, this.#commands.client];
    return this.#subscribed && !!subscriber && !!commands && sameServer(subscriber, commands);
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    void this.#commands.start();
    void this.#subscriber.start();
  }

  send(topic: string, batch: readonly Envelope[]): boolean {
    const client = this.#commands.client;
    if (!client) return false;
    const text = JSON.stringify(batch);
    const limit = this.#options.maxQueuedChars ?? MAX_QUEUED_CHARS;
    // What was handed to the socket cannot be taken back, so that the newest goes.
    if (this.#underWayChars + text.length > limit) {
      this.#sink?.onDropped(batch.length);
      return true;
    }
    this.#underWay++;
    this.#underWayChars += text.length;
    const count = batch.length;
    const channel = this.#prefix + topic;
    const key = this.#busKey;
    if (text.length <= JOIN_CHARS) joinWrites(client);
    const sent =
      key === undefined ? client.publish(channel, text) : client.evalsha(PUBLISH.sha, 1, key, channel, text);
    sent.then(
      () => this.#settled(text.length),
      (error) => {
        this.#sink?.onDropped(count);
        this.#settled(text.length);
        // The node that carries the messages is another one, or has forgotten the script.
        if (key !== undefined && error.name === 'ReplyError') this.#commands.restart(client, error);
      },
    );
    return true;
  }

  subscribe(pattern: string): Promise<void> {
    let entry = this.#entries.get(pattern);
    if (entry?.confirmed) return Promise.resolve();
    const isNew = entry === undefined;
    entry ??= {
      matches: compilePattern(pattern),
      isGlob: /[*?]/.test(pattern),
      confirmed: false,
      waiting: [],
    };
    const confirmed = new Promise<void>((resolve) => entry.waiting.push(resolve));
    if (isNew) {
      this.#entries.set(pattern, entry);
      this.#elected.clear();
      const client = this.#subscriber.client;
      // After a refusal or a loss it is the next connection that asks again.
      if (client) {
        this.#request(client, pattern, entry).catch((error) => this.#subscriber.restart(client, error));
      }
    }
    return confirmed;
  }

  async unsubscribe(pattern: string): Promise<void> {
    const entry = this.#entries.get(pattern);
    if (!entry) return;
    this.#entries.delete(pattern);
    this.#elected.clear();
    for (const resolve of entry.waiting) resolve();
    const client = this.#subscriber.client;
    if (!client) return;
    const wire = this.#wire(pattern, entry);
    await (entry.isGlob ? client.punsubscribe(wire) : client.unsubscribe(wire)).catch(() => {});
  }

  async close(): Promise<void> {
    this.#subscriber.close();
    this.#subscribed = false;
    if (this.#underWay > 0 && this.#commands.client) {
      const idle = new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
      await Promise.race([idle, Bun.sleep(CLOSE_MS)]);
    }
    this.#commands.close();
  }

  #tell(reason: string): void {
    const { connected } = this;
    if (connected === this.#told) return;
    this.#told = connected;
    this.#options.onChange?.(connected, reason);
  }

  #settled(chars: number): void {
    this.#underWayChars -= chars;
    if (--this.#underWay === 0) this.#onIdle?.();
  }

  // In a cluster the node that carries the messages changes; the commands know whether theirs is the one.
  #keepTogether(): void {
    const [subscriber, commands] = [this.#subscriber.client, this.#commands.client];
    if (subscriber && commands && !sameServer(subscriber, commands))
      this.#subscriber.restart(subscriber, new Error('MOVED to another node'));
  }

  async #resubscribe(client: Redis): Promise<void> {
    this.#keepTogether();
    if (this.#subscriber.client !== client) return;
    const wires = new Map<string, string>();
    client.on('message', (channel: string, text: string) => {
      const topic = channel.slice(this.#prefix.length);
      this.#deliver(topic, topic, text);
    });
    client.on('pmessage', (wire: string, channel: string, text: string) => {
      let pattern = wires.get(wire);
      if (pattern === undefined) {
        // Undoes `escapeGlob`, once for each pattern of this connection.
        pattern = wire.slice(escapeGlob(this.#prefix).length).replace(/\\(.)/g, '$1');
        wires.set(wire, pattern);
      }
      this.#deliver(pattern, channel.slice(this.#prefix.length), text);
    });
    try {
      await Promise.all([...this.#entries].map(([pattern, entry]) => this.#request(client, pattern, entry)));
      if (this.#subscriber.client !== client) return;
      this.#subscribed = true;
      this.#tell('');
    } catch (error) {
      this.#subscriber.restart(client, error);
    }
  }

  async #request(client: Redis, pattern: string, entry: Entry): Promise<void> {
    const wire = this.#wire(pattern, entry);
    await (entry.isGlob ? client.psubscribe(wire) : client.subscribe(wire));
    if (this.#subscriber.client !== client) return;
    entry.confirmed = true;
    for (const resolve of entry.waiting.splice(0)) resolve();
  }

  #wire(pattern: string, entry: Entry): string {
    return entry.isGlob ? escapeGlob(this.#prefix) + escapeGlob(pattern, '*?') : this.#prefix + pattern;
  }

  /**
   * Redis sends a message once for each pattern that matches it. The first in our order delivers it: Redis confirms in
   * that order, so that the first is there whenever any is.
   */
  #deliver(pattern: string, topic: string, text: string): void {
    let elected = this.#elected.get(topic);
    if (elected === undefined) {
      elected = this.#firstMatch(topic);
      if (elected === undefined) return;
      this.#elected.set(topic, elected);
    }
    if (elected === pattern) deliverJson(topic, text, this.#sink);
  }

  #firstMatch(topic: string): string | undefined {
    for (const [pattern, entry] of this.#entries) if (entry.matches(topic)) return pattern;
    return undefined;
  }
}
