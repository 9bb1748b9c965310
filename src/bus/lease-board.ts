// Who holds what, as everything else sees it: members of groups and their leases, kept by the hub, Redis or memory.

/** A lease of one resource. */
export interface Lease {
  readonly resource: string;
  readonly member: string;
  /** Grows with each change of holder: what an earlier holder still tries is recognised by its smaller number. */
  readonly epoch: number;
}

/**
 * A board that all processes of a system share; its own clock measures every `ttlMs`. Every call rejects with
 * DependencyUnavailableError while it is away.
 */
export interface LeaseBoard {
  /** Says that `member` of `group` lives for another `ttlMs`; resolves with all members that live, sorted. */
  heartbeat(group: string, member: string, ttlMs: number): Promise<string[]>;
  /**
   * Takes or keeps the leases of `resources` for `ttlMs` and resolves with those that `member` holds now. A resource that another
   * member holds is left out. Who holds a lease and claims it again keeps its epoch; everyone else (whoever let his own lease run out
   * too) gets one that is greater than every epoch before and than `minEpoch` of the resource. A holder whose epoch is below
   * `minEpoch` gets a new one as well: what he writes would be refused.
   */
  claim(
    group: string,
    member: string,
    resources: readonly { readonly resource: string; readonly minEpoch: number }[],
    ttlMs: number,
  ): Promise<Lease[]>;
  /** Gives leases back; others' are left alone. */
  release(group: string, member: string, resources: readonly string[]): Promise<void>;
  /** Ends a membership and gives everything back. */
  leave(group: string, member: string): Promise<void>;
  /** All leases of a group that are in force, sorted by resource. */
  holders(group: string): Promise<Lease[]>;
}
