// Scripts and commands on one link to Redis, whose failures become our errors.
import type { Redis } from 'ioredis';
import {
  DependencyUnavailableError,
  InvariantError,
  NautilusError,
  StorageUnavailableError,
} from '../core/errors.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import { type LinkTiming, RedisLink } from './redis-link.ts';
import type { Script } from './redis-scripts.ts';

/** How a caller of Redis is set up. */
export interface RedisCallOptions {
  readonly settings: RedisSettings;
  /** Name that `CLIENT LIST` shows for the connections. */
  readonly name: string;
  readonly timing?: LinkTiming | undefined;
  /** Called when the connection is there or gone; `reason` says why it is gone and holds no secret. */
  readonly onChange?: ((connected: boolean, reason: string) => void) | undefined;
}

/** Runs scripts and commands on one link and turns its failures into our errors. */
export class RedisCalls {
  readonly #link: RedisLink;
  readonly #what: string;

  /** `what` begins the messages of errors: `The event log`. */
  constructor(what: string, { settings, name, timing, onChange }: RedisCallOptions) {
    this.#what = what;
    const events = {
      opened: () => onChange?.(true, ''),
      lost: (reason: string) => onChange?.(false, reason),
    };
    this.#link = new RedisLink(settings, name, events, timing);
    void this.#link.start();
  }

  get connected(): boolean {
    return this.#link.client !== undefined;
  }

  /** Resolves with what the script returns. Errors as in {@link command}. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.command(async (client) => {
      try {
        return await client.evalsha(script.sha, keys.length, ...keys, ...args);
      } catch (error) {
        // A server that was started anew, or whose scripts were flushed, has to be told.
        if (!/NOSCRIPT/.test((error as Error).message)) throw error;
        return await client.eval(script.lua, keys.length, ...keys, ...args);
      }
    });
  }

  /**
   * Resolves with what `work` does on the connection. Rejects with DependencyUnavailableError while it is away, at once,
   * or when it goes meanwhile: what was asked may then be done or not. StorageUnavailableError says that Redis takes no writes.
   */
  async command<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = this.#link.client;
    if (!client) throw new DependencyUnavailableError(`${this.#what} is away: no connection to Redis`);
    try {
      return await work(client);
    } catch (error) {
      throw this.#errorOf(client, error);
    }
  }

  close(): void {
    this.#link.close();
  }

  #errorOf(client: Redis, error: unknown): Error {
    if (error instanceof NautilusError) return error;
    const { name, message } = error as Error;
    if (name !== 'ReplyError')
      return new DependencyUnavailableError(`${this.#what} is away: the connection to Redis was lost`);
    // Some versions put the code of an error in a script at its beginning, others after a dash within.
    const code = /(?:^|-)(OOM|MISCONF|READONLY|MASTERDOWN|LOADING|BUSY|NOREPLICAS|NOPERM|NOAUTH)\b/.exec(
      message,
    )?.[1];
    switch (code) {
      case 'OOM':
        return new StorageUnavailableError(`${this.#what} takes no writes: Redis is out of memory`);
      case 'MISCONF':
        return new StorageUnavailableError(`${this.#what} takes no writes: Redis cannot write to its disk`);
      case 'READONLY':
      case 'MASTERDOWN':
        // The master is elsewhere by now: the next connection looks for it.
        this.#link.restart(client, error);
        return new DependencyUnavailableError(`${this.#what} is away: this Redis is a replica`);
      case undefined:
        return new InvariantError(`${this.#what}: Redis answered ${message}`);
      default:
        return new DependencyUnavailableError(`${this.#what} is away: Redis answered ${code}`);
    }
  }
}
