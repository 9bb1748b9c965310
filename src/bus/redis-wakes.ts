// Waiting for something to happen in Redis: one connection that listens to channels and wakes those who wait for them.
import type { Redis } from 'ioredis';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { RedisCallOptions } from './redis-calls.ts';
import { busTarget } from './redis-cluster.ts';
import { RedisLink } from './redis-link.ts';

// A partition that moved to another process is not listened to for ever.
const FORGET_MS = 60_000;

interface Channel {
  readonly waiting: Set<Wake>;
  wantedAt: number;
}

/** A wait for some channels: nothing that happens after its beginning is missed. */
export class Wake {
  #rung = new Set<string>();
  #lost = false;
  #resolve: (() => void) | undefined;

  constructor(readonly end: () => void) {}

  /** Whether the connection went since the beginning: what happened meanwhile is not known. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Resolves when something happened since the last {@link take}, after `ms`, when aborted, and when the connection is lost. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#rung.size > 0 || this.#lost || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#resolve = wake;
    const timer = setTimeout(wake, ms);
    signal?.addEventListener('abort', wake);
    await promise;
    clearTimeout(timer);
    signal?.removeEventListener('abort', wake);
  }

  /** Returns the channels on which something happened since the last call. */
  take(): ReadonlySet<string> {
    const rung = this.#rung;
    this.#rung = new Set();
    return rung;
  }

  ring(channel: string): void {
    this.#rung.add(channel);
    this.#resolve?.();
  }

  lose(): void {
    this.#lost = true;
    this.#resolve?.();
  }
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
        client.on('message', (name: string) => {
          for (const wake of this.#channels.get(name)?.waiting ?? []) wake.ring(name);
        });
        onChange?.(true, '');
      },
      lost: (reason: string) => {
        this.#loseAll();
        onChange?.(false, reason);
      },
    };
    this.#link = new RedisLink(settings, name, events, timing, busTarget(settings, true));
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

  /** Begins to wait for `channels`, which are listened to; the caller ends it. */
  begin(channels: readonly string[]): Wake {
    const wake = new Wake(() => {
      for (const name of channels) this.#channels.get(name)?.waiting.delete(wake);
    });
    for (const name of channels) {
      const channel = this.#channels.get(name);
      if (channel) channel.waiting.add(wake);
      else wake.lose();
    }
    return wake;
  }

  close(): void {
    this.#link.close();
    this.#loseAll();
  }

  #loseAll(): void {
    for (const { waiting } of this.#channels.values()) for (const wake of waiting) wake.lose();
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
