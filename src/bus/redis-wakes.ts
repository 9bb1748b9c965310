// Waiting for something to happen in Redis: one connection that listens to channels and wakes those who wait for them.
import type { Redis } from 'ioredis';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { RedisCallOptions } from './redis-calls.ts';
import { RedisLink } from './redis-link.ts';

// A partition that moved to another process is not listened to for ever.
const FORGET_MS = 60_000;

interface Channel {
  readonly waiting: Set<() => void>;
  wantedAt: number;
}

/** A wait that was begun: nothing that happens after the beginning is missed. */
export interface Wake {
  /** Resolves when something happened, after `ms`, or when the connection is lost; call it once. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Ends a wait that is not wanted any more. */
  end(): void;
}

/** Listens to channels; what a message says does not matter. */
export class RedisWakes {
  readonly #link: RedisLink;
  // Those that the present connection listens to.
  readonly #channels = new Map<string, Channel>();
  #sweptAt = 0;

  constructor({ settings, name, timing, onChange }: RedisCallOptions) {
    const events = {
      opened: (client: Redis) => {
        client.on('message', (channel: string) => this.#wake(this.#channels.get(channel)));
        onChange?.(true, '');
      },
      lost: (reason: string) => {
        this.#wakeAll();
        onChange?.(false, reason);
      },
    };
    this.#link = new RedisLink(settings, name, events, timing);
    void this.#link.start();
  }

  get connected(): boolean {
    return this.#link.client !== undefined;
  }

  /** Resolves when `channels` are listened to. Rejects with DependencyUnavailableError when the connection is away. */
  async listen(channels: readonly string[]): Promise<void> {
    const client = this.#link.client;
    if (!client) throw new DependencyUnavailableError('The event log is away: no connection to Redis');
    const now = performance.now();
    const missing = channels.filter((name) => {
      const channel = this.#channels.get(name);
      if (channel) channel.wantedAt = now;
      return !channel;
    });
    this.#sweep(client, now);
    if (missing.length === 0) return;
    try {
      await client.subscribe(...missing);
    } catch (error) {
      this.#link.restart(client, error);
    }
    if (this.#link.client !== client)
      throw new DependencyUnavailableError('The event log is away: the connection to Redis was lost');
    for (const name of missing) {
      if (!this.#channels.has(name)) this.#channels.set(name, { waiting: new Set(), wantedAt: now });
    }
  }

  /** Begins to wait for the first message on any of `channels`, which are listened to. */
  begin(channels: readonly string[]): Wake {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const name of channels) {
      const channel = this.#channels.get(name);
      // Lost since it was listened to: whoever waits looks again at once, and finds out.
      if (channel) channel.waiting.add(resolve);
      else resolve();
    }
    const end = () => {
      for (const name of channels) this.#channels.get(name)?.waiting.delete(resolve);
    };
    const wait = async (ms: number, signal?: AbortSignal) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', resolve as () => void);
      if (signal?.aborted) resolve();
      await promise;
      clearTimeout(timer);
      signal?.removeEventListener('abort', resolve as () => void);
      end();
    };
    return { wait, end };
  }

  close(): void {
    this.#link.close();
    this.#wakeAll();
  }

  #wake(channel: Channel | undefined): void {
    if (!channel) return;
    for (const resolve of channel.waiting) resolve();
    channel.waiting.clear();
  }

  #wakeAll(): void {
    for (const channel of this.#channels.values()) this.#wake(channel);
    this.#channels.clear();
  }

  #sweep(client: Redis, now: number): void {
    if (now - this.#sweptAt < FORGET_MS) return;
    this.#sweptAt = now;
    for (const [name, { waiting, wantedAt }] of this.#channels) {
      if (waiting.size > 0 || now - wantedAt < FORGET_MS) continue;
      this.#channels.delete(name);
      client.unsubscribe(name).catch(() => {});
    }
  }
}
