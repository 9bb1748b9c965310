// Keeps one member's fair share of the partitions of a group: claims, renews, gives back; who holds what is the lease board's to say.
import type { Lease, LeaseBoard } from './lease-board.ts';

export interface PartitionHolderOptions {
  readonly board: LeaseBoard;
  readonly group: string;
  /** Name of this process in the group. A process that starts again under its name takes over from its dead predecessor at once. */
  readonly member: string;
  /** Everything that the group divides among its members; the same list in each. */
  readonly resources: readonly string[];
  /** Milliseconds after the death of a member within which others have taken over; default 5000. Joins and leaves take a fifth. */
  readonly ttlMs?: number;
  /** The greatest epoch of a resource that the caller's data knows; new epochs are greater. */
  readonly minEpoch: (resource: string) => number;
  /** A resource is held from now on. When it rejects, the resource is given back and claimed again later. */
  readonly onGained: (resource: string, epoch: number) => void | Promise<void>;
  /** A resource is no longer held. It goes to another member once this has resolved, if the lease lasts so long. */
  readonly onLost: (resource: string, reason: string) => void | Promise<void>;
  /** Whether a resource had better not go to a member that has joined, for the time being. */
  readonly isInUse?: (resource: string) => boolean;
  /** Hears what `onGained` and `onLost` reject with. */
  readonly onError?: (error: unknown) => void;
}

/** What one round has learnt from the board. */
interface View {
  readonly sentAt: number;
  /** Resources that this member should hold. */
  readonly quota: number;
  /** Resources that are free, or this member's by the board but not by its own account. */
  readonly free: readonly string[];
}

/**
 * Returns how many of `total` resources each member should hold: all the same, give or take one. Those that hold more keep the
 * odd ones, then those whose names come first, so that all members reckon the same and as few resources as possible move.
 */
export function fairShares(
  total: number,
  members: readonly string[],
  counts: ReadonlyMap<string, number>,
): Map<string, number> {
  const most = [...members].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || (a < b ? -1 : 1));
  const least = Math.floor(total / members.length);
  return new Map(most.map((member, rank) => [member, least + (rank < total % members.length ? 1 : 0)]));
}

/**
 * Holds a share of the resources from {@link PartitionHolder.start} to {@link PartitionHolder.stop}. Whoever could not renew its
 * leases (the board is away, the process was paused) loses them by its own clock before the board gives them to others.
 */
export class PartitionHolder {
  readonly #options: PartitionHolderOptions;
  readonly #roundMs: number;
  readonly #leaseMs: number;
  readonly #held = new Map<string, number>();
  /** Resources on their way out: renewed until `onLost` has resolved. */
  readonly #leaving = new Map<string, number>();
  /** The last callback of each resource; the next one waits for it. */
  readonly #told = new Map<string, Promise<void>>();
  /** When the leases count as lost unless they are renewed, by `performance.now()`. */
  #until = 0;
  #joined = false;
  #stopping = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(options: PartitionHolderOptions) {
    this.#options = options;
    // A lease of four rounds, and one more until the others look: together the time that a take-over may need.
    this.#roundMs = (options.ttlMs ?? 5000) / 5;
    this.#leaseMs = this.#roundMs * 4;
  }

  /** Epochs of the resources that are held. */
  get held(): ReadonlyMap<string, number> {
    this.#checkDeadline();
    return this.#held;
  }

  /** Joins the group. Resolves after the first round, also when the board is away: the holder then goes on trying. */
  async start(): Promise<void> {
    this.#next(0);
    await this.#round;
    await Promise.all(this.#told.values());
  }

  /** Forgets a resource that turned out to be somebody else's, without `onLost`; it is claimed again when it is free. */
  drop(resource: string): void {
    this.#held.delete(resource);
  }

  /** Gives everything back as soon as `onLost` has resolved for all of it, and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const resource of [...this.#held.keys()]) this.#giveBack(resource, 'stopping');
    // Rounds go on meanwhile: what is leaving is still renewed.
    while (this.#told.size > 0) await Promise.all(this.#told.values());
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    // A board that hangs does not keep the process from ending.
    await Promise.race([this.#round, Bun.sleep(this.#roundMs)]);
    this.#stopped = true;
    clearTimeout(this.#timer);
    const { board, group, member } = this.#options;
    // A board that is away forgets the member by itself.
    await board.leave(group, member).catch(() => {});
  }

  #next(waitMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const run = () => {
      this.#round = this.#turn();
    };
    if (waitMs === 0) run();
    else this.#timer = setTimeout(run, waitMs);
  }

  async #turn(): Promise<void> {
    let satisfied = false;
    try {
      satisfied = await this.#look();
    } catch {
      // The board is away: the next round asks again.
    }
    this.#next(satisfied ? this.#roundMs : this.#roundMs / 5);
  }

  /** One round; returns whether this member holds its share. */
  async #look(): Promise<boolean> {
    const view = await this.#ask();
    for (const resource of this.#surplus(view.quota)) this.#giveBack(resource, 'rebalanced');
    const wanted = view.free.slice(0, Math.max(0, view.quota - this.#held.size));
    const { board, group, member, minEpoch } = this.#options;
    // A renewal names its own epoch: it is kept.
    const mine = [...this.#held, ...this.#leaving].map(([resource, epoch]) => ({
      resource,
      minEpoch: epoch,
    }));
    const fresh = wanted.map((resource) => ({ resource, minEpoch: minEpoch(resource) }));
    const leases = await board.claim(group, member, [...mine, ...fresh], this.#leaseMs);
    const until = view.sentAt + this.#leaseMs * 0.9;
    // An answer that took so long says nothing about the present.
    if (performance.now() >= until) {
      this.#checkDeadline();
      return false;
    }
    this.#until = until;
    this.#armDeadline();
    this.#settle(leases, new Set(wanted));
    return this.#held.size >= view.quota;
  }

  #surplus(quota: number): string[] {
    const spare = [...this.#held.keys()].filter((resource) => !this.#options.isInUse?.(resource));
    return spare.slice(Math.max(0, quota - (this.#held.size - spare.length)));
  }

  async #ask(): Promise<View> {
    const { board, group, member, resources } = this.#options;
    // A new process begins with new epochs: what its predecessor under the same name still tries is refused.
    if (!this.#joined) await board.leave(group, member);
    this.#joined = true;
    const sentAt = performance.now();
    const members = await board.heartbeat(group, member, this.#leaseMs);
    const holders = new Map((await board.holders(group)).map((lease) => [lease.resource, lease.member]));
    const counts = new Map<string, number>();
    for (const resource of resources) {
      const holder = holders.get(resource);
      if (holder !== undefined) counts.set(holder, (counts.get(holder) ?? 0) + 1);
    }
    const quota = this.#stopping ? 0 : (fairShares(resources.length, members, counts).get(member) ?? 0);
    const rank = Math.max(0, members.indexOf(member));
    const free = resources.filter((resource) => {
      if (this.#held.has(resource) || this.#leaving.has(resource)) return false;
      const holder = holders.get(resource);
      return holder === undefined || holder === member;
    });
    // Members that come at once begin at different ends, so that they seldom want the same.
    const begin = Math.floor((rank * free.length) / members.length);
    return { sentAt, quota, free: [...free.slice(begin), ...free.slice(0, begin)] };
  }

  /** Takes the board's word for what is held now. What was given back while the answer came is not taken again. */
  #settle(leases: readonly Lease[], wanted: Set<string>): void {
    const mine = new Map(leases.map(({ resource, epoch }) => [resource, epoch]));
    for (const [resource, epoch] of [...this.#held]) {
      if (mine.get(resource) === epoch) continue;
      this.#held.delete(resource);
      this.#tell(resource, () => this.#options.onLost(resource, 'taken over'));
      // The board may have given it back with a new epoch already.
      wanted.add(resource);
    }
    if (this.#stopping) return;
    for (const [resource, epoch] of mine) {
      if (!wanted.has(resource)) continue;
      this.#held.set(resource, epoch);
      this.#tell(resource, () => this.#gained(resource, epoch));
    }
  }

  async #gained(resource: string, epoch: number): Promise<void> {
    const { onGained, board, group, member } = this.#options;
    try {
      await onGained(resource, epoch);
    } catch (error) {
      if (this.#held.get(resource) === epoch) this.#held.delete(resource);
      await board.release(group, member, [resource]).catch(() => {});
      throw error;
    }
  }

  #giveBack(resource: string, reason: string): void {
    const epoch = this.#held.get(resource)!;
    this.#held.delete(resource);
    this.#leaving.set(resource, epoch);
    const { board, group, member, onLost } = this.#options;
    this.#tell(resource, async () => {
      try {
        await onLost(resource, reason);
      } finally {
        this.#leaving.delete(resource);
        await board.release(group, member, [resource]).catch(() => {});
      }
    });
  }

  #armDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#checkDeadline(), this.#until - performance.now() + 1);
  }

  #checkDeadline(): void {
    if (this.#held.size === 0 || performance.now() < this.#until) return;
    for (const resource of [...this.#held.keys()]) {
      this.#held.delete(resource);
      this.#tell(resource, () => this.#options.onLost(resource, 'not renewed in time'));
    }
  }

  /** Runs the callbacks of a resource one after the other; no round waits for them. */
  #tell(resource: string, callback: () => void | Promise<void>): void {
    const before = this.#told.get(resource) ?? Promise.resolve();
    const told = before
      .then(callback)
      .catch((error) => this.#options.onError?.(error))
      .then(() => {
        if (this.#told.get(resource) === told) this.#told.delete(resource);
      });
    this.#told.set(resource, told);
  }
}
