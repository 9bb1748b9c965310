// Keeps the leases of one member of a group.
import type { LeaseBoard } from './lease-board.ts';

export interface PartitionHolderOptions {
  readonly board: LeaseBoard;
  readonly group: string;
  readonly member: string;
  readonly resources: readonly string[];
  readonly ttlMs?: number;
  readonly minEpoch: (resource: string) => number;
  readonly onGained: (resource: string, epoch: number) => void | Promise<void>;
  readonly onLost: (resource: string, reason: string) => void | Promise<void>;
}

/** Claims every resource that is free. */
export class PartitionHolder {
  readonly held = new Map<string, number>();
  readonly #options: PartitionHolderOptions;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: PartitionHolderOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#round();
    this.#timer = setInterval(() => void this.#round().catch(() => {}), (this.#options.ttlMs ?? 5000) / 5);
  }

  /** Forgets a resource that somebody else has. */
  drop(resource: string): void {
    this.held.delete(resource);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const resource of this.held.keys()) await this.#options.onLost(resource, 'stopping');
    await this.#options.board.leave(this.#options.group, this.#options.member).catch(() => {});
  }

  async #round(): Promise<void> {
    const { board, group, member, resources, minEpoch, ttlMs = 5000 } = this.#options;
    await board.heartbeat(group, member, ttlMs);
    const wanted = resources.map((resource) => ({
      resource,
      minEpoch: this.held.has(resource) ? this.held.get(resource)! - 1 : minEpoch(resource),
    }));
    for (const { resource, epoch } of await board.claim(group, member, wanted, ttlMs)) {
      if (this.held.get(resource) === epoch) continue;
      this.held.set(resource, epoch);
      await this.#options.onGained(resource, epoch);
    }
  }
}
