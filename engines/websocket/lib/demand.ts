// Topics that come from the bus only while a client wants them: what nobody reads is neither sent here nor parsed.
import type { Bus } from '../../../src/bus/client.ts';
import type { BatchHandler, Subscription } from '../../../src/bus/envelope.ts';

interface Entry {
  /** How many want it. */
  wanted: number;
  /** Whether messages of it come. */
  flows: boolean;
  readonly subscription: Promise<Subscription>;
}

/** Subscribes to each of its topics while at least one wants it. */
export class Demand {
  readonly #bus: Bus;
  readonly #topics: ReadonlySet<string>;
  readonly #handler: BatchHandler;
  readonly #entries = new Map<string, Entry>();

  /** `topics` are those on demand; all others are somebody else's. */
  constructor(bus: Bus, topics: Iterable<string>, handler: BatchHandler) {
    this.#bus = bus;
    this.#topics = new Set(topics);
    this.#handler = handler;
  }

  /** Topics that are subscribed to now. */
  get open(): string[] {
    return [...this.#entries.keys()];
  }

  /** Counts one more who wants these topics, until {@link release} of the same. */
  want(names: Iterable<string>): void {
    for (const name of names) {
      if (!this.#topics.has(name)) continue;
      const known = this.#entries.get(name);
      if (known) known.wanted++;
      else this.#subscribe(name);
    }
  }

  /** Takes back one {@link want}. */
  release(names: Iterable<string>): void {
    for (const name of names) {
      const entry = this.#entries.get(name);
      if (entry && --entry.wanted === 0) void entry.subscription.then((made) => this.#end(name, made));
    }
  }

  /**
   * Resolves when messages of these topics come; undefined when they do already, or when the bus is away: then none can be missed, and
   * whoever waits would wait for its return.
   */
  ready(names: Iterable<string>): Promise<unknown> | undefined {
    if (!this.#bus.connected) return undefined;
    const waiting = [...names].flatMap((name) => {
      const entry = this.#entries.get(name);
      return entry && !entry.flows ? [entry.subscription] : [];
    });
    return waiting.length === 0 ? undefined : Promise.all(waiting);
  }

  #subscribe(name: string): void {
    const subscription = this.#bus.subscribe(name, this.#handler);
    const entry: Entry = { wanted: 1, flows: false, subscription };
    this.#entries.set(name, entry);
    void subscription.then(() => {
      entry.flows = true;
    });
  }

  // Not before it is made, and not when it is wanted again by then: two subscriptions at once would double messages.
  #end(name: string, made: Subscription): void {
    if (this.#entries.get(name)?.wanted !== 0) return;
    this.#entries.delete(name);
    void made.unsubscribe();
  }
}
