// Scripts and commands on one link to Redis, whose failures become our errors.
import type { Redis } from 'ioredis';
import {
  DependencyUnavailableError,
  InvariantError,
  NautilusError,
  StorageUnavailableError,
} from '../core/errors.ts';
import type { RedisSettings } from '../core/redis-settings.ts';
import { RedisNodes, slotOf } from './redis-cluster.ts';
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

/** Runs scripts where their keys are and turns failures of the connections into our errors. */
export class RedisCalls {
  readonly #link: RedisLink | RedisNodes;
  readonly #what: string;

  /** `what` begins the messages of errors: `The event log`. */
  constructor(what: string, { settings, name, timing, onChange }: RedisCallOptions) {
    this.#what = what;
    const events = {
      opened: () => onChange?.(true, ''),
      lost: (reason: string) => onChange?.(false, reason),
    };
    if (settings.cluster) this.#link = new RedisNodes(settings, name, events, timing);
    else {
      this.#link = new RedisLink(settings, name, events, timing);
      void this.#link.start();
    }
  }

  get connected(): boolean {
    return this.#link instanceof RedisNodes ? this.#link.connected : this.#link.client !== undefined;
  }

  /** Returns the indices of keys in groups that one script may touch together: all of them but in a cluster. */
  groups(keys: readonly string[]): number[][] {
    if (this.#link instanceof RedisLink) return [keys.map((_, i) => i)];
    const groups = new Map<number, number[]>();
    keys.forEach((key, i) => {
      const slot = slotOf(key);
      const group = groups.get(slot);
      if (group) group.push(i);
      else groups.set(slot, [i]);
    });
    return [...groups.values()];
  }

  /**
   * Resolves with what the script returns. Rejects with DependencyUnavailableError while the connection is away, at once,
   * or when it goes meanwhile: the script may then have run or not. StorageUnavailableError says that Redis takes no writes.
   */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const link = this.#link;
    const client = link instanceof RedisNodes ? link.clientOf(keys[0]!) : link.client;
    if (!client) throw new DependencyUnavailableError(`${this.#what} is away: no connection to Redis`);
    try {
      return await evaluate(client, script, keys, args);
    } catch (error) {
      const place = link instanceof RedisNodes ? await link.redirected(error, keys[0]!) : undefined;
      if (!place) throw this.#errorOf(client, error);
      try {
        return await evaluate(place.client, script, keys, args, place.asking);
      } catch (again) {
        throw this.#errorOf(place.client, again);
      }
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
    const code =
      /(?:^|-)(OOM|MISCONF|READONLY|MASTERDOWN|CLUSTERDOWN|MOVED|ASK|TRYAGAIN|LOADING|BUSY|NOREPLICAS|NOPERM|NOAUTH)\b/.exec(
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
        // A slot that moves while a script runs takes keys away under it.
        if (message.includes('non local key'))
          return new DependencyUnavailableError(`${this.#what} is away: a slot of the cluster moves`);
        return new InvariantError(`${this.#what}: Redis answered ${message}`);
      default:
        return new DependencyUnavailableError(`${this.#what} is away: Redis answered ${code}`);
    }
  }
}

// A node that takes over a slot serves what has come already to those who say that they were sent (`ASKING`, for one command).
async function evaluate(
  client: Redis,
  { sha, lua }: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
  asking = false,
): Promise<unknown> {
  try {
    if (asking) client.asking().catch(() => {});
    return await client.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    // A server that was started anew, or whose scripts were flushed, has to be told.
    if (!/NOSCRIPT/.test((error as Error).message)) throw error;
    if (asking) client.asking().catch(() => {});
    return await client.eval(lua, keys.length, ...keys, ...args);
  }
}
