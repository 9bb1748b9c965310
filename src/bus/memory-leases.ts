// Members and leases in the memory of one process: of the hub for engine processes, of the process itself for engines that share it.
import type { Lease, LeaseBoard } from './lease-board.ts';

interface Held {
  readonly member: string;
  readonly epoch: number;
  until: number;
}

class Group {
  /** When the membership of each member ends. */
  readonly members = new Map<string, number>();
  readonly leases = new Map<string, Held>();
  /** The greatest epoch of each resource so far; outlives its leases. */
  readonly epochs = new Map<string, number>();
}

/**
 * A board whose calls never fail. Epochs begin anew with the process: `minEpoch`, which claimers know from their own data,
 * carries them on.
 */
export class MemoryLeases implements LeaseBoard {
  readonly #groups = new Map<string, Group>();
  readonly #now: () => number;

  /** `now` counts milliseconds and never goes back, whatever happens to the wall clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  async heartbeat(groupName: string, member: string, ttlMs: number): Promise<string[]> {
    const { members } = this.#group(groupName);
    const now = this.#now();
    members.set(member, now + ttlMs);
    for (const [name, until] of members) if (until <= now) members.delete(name);
    return [...members.keys()].sort();
  }

  async claim(
    groupName: string,
    member: string,
    resources: readonly { readonly resource: string; readonly minEpoch: number }[],
    ttlMs: number,
  ): Promise<Lease[]> {
    const { leases, epochs } = this.#group(groupName);
    const now = this.#now();
    const mine: Lease[] = [];
    for (const { resource, minEpoch } of resources) {
      const held = leases.get(resource);
      const inForce = held !== undefined && held.until > now;
      if (inForce && held.member !== member) continue;
      const keeps = inForce && held.epoch >= minEpoch;
      const epoch = keeps ? held.epoch : Math.max(epochs.get(resource) ?? 0, minEpoch) + 1;
      epochs.set(resource, epoch);
      leases.set(resource, { member, epoch, until: now + ttlMs });
      mine.push({ resource, member, epoch });
    }
    return mine;
  }

  async release(groupName: string, member: string, resources: readonly string[]): Promise<void> {
    const { leases } = this.#group(groupName);
    for (const resource of resources) if (leases.get(resource)?.member === member) leases.delete(resource);
  }

  async leave(groupName: string, member: string): Promise<void> {
    const { members, leases } = this.#group(groupName);
    members.delete(member);
    for (const [resource, held] of leases) if (held.member === member) leases.delete(resource);
  }

  async holders(groupName: string): Promise<Lease[]> {
    const now = this.#now();
    return [...this.#group(groupName).leases]
      .filter(([, held]) => held.until > now)
      .map(([resource, { member, epoch }]) => ({ resource, member, epoch }))
      .sort((a, b) => (a.resource < b.resource ? -1 : 1));
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (!group) {
      group = new Group();
      this.#groups.set(name, group);
    }
    return group;
  }
}
