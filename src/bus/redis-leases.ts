// The lease board over Redis: members and leases of a group in two keys, measured by the clock of Redis.
import type { Lease, LeaseBoard } from './lease-board.ts';
import { type RedisCallOptions, RedisCalls } from './redis-calls.ts';
import { CLAIM, HEARTBEAT, HOLDERS, LEAVE, RELEASE } from './redis-scripts.ts';

/**
 * Keeps leases in Redis. Their epochs stay there until a group is left alone for 30 days; then, and when Redis was emptied,
 * `minEpoch` of the claims carries them on.
 */
export class RedisLeases implements LeaseBoard {
  readonly #prefix: string;
  readonly #calls: RedisCalls;

  constructor(options: RedisCallOptions) {
    this.#prefix = options.settings.prefix;
    this.#calls = new RedisCalls('The lease board', { ...options, name: `nautilus-${options.name}-leases` });
  }

  /** Whether the connection answers. */
  get connected(): boolean {
    return this.#calls.connected;
  }

  async heartbeat(group: string, member: string, ttlMs: number): Promise<string[]> {
    const members = await this.#calls.run(HEARTBEAT, [this.#members(group)], [member, ttlMs]);
    return (members as string[]).sort();
  }

  async claim(
    group: string,
    member: string,
    resources: readonly { readonly resource: string; readonly minEpoch: number }[],
    ttlMs: number,
  ): Promise<Lease[]> {
    const asked = resources.flatMap(({ resource, minEpoch }) => [resource, minEpoch]);
    const held = await this.#calls.run(CLAIM, [this.#leases(group)], [member, ttlMs, ...asked]);
    return tuples(held, 2).map(([resource, epoch]) => ({
      resource: resource!,
      member,
      epoch: Number(epoch),
    }));
  }

  async release(group: string, member: string, resources: readonly string[]): Promise<void> {
    await this.#calls.run(RELEASE, [this.#leases(group)], [member, ...resources]);
  }

  async leave(group: string, member: string): Promise<void> {
    await this.#calls.run(LEAVE, [this.#leases(group), this.#members(group)], [member]);
  }

  async holders(group: string): Promise<Lease[]> {
    const held = tuples(await this.#calls.run(HOLDERS, [this.#leases(group)], []), 3);
    return held
      .map(([resource, member, epoch]) => ({ resource: resource!, member: member!, epoch: Number(epoch) }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  }

  /** Gives the connection up; leases run out by themselves. */
  close(): void {
    this.#calls.close();
  }

  #leases(group: string): string {
    return `${this.#prefix}leases:{${group}}`;
  }

  #members(group: string): string {
    return `${this.#prefix}leases:{${group}}:members`;
  }
}

function tuples(flat: unknown, size: number): string[][] {
  const all = flat as string[];
  return Array.from({ length: all.length / size }, (_, i) => all.slice(i * size, (i + 1) * size));
}
