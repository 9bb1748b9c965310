// Redis Cluster: which node owns which slot, and a link to each node that owns any.
import type { Redis } from 'ioredis';
import { loadRedis } from '../core/ioredis.ts';
import type { RedisNode, RedisSettings } from '../core/redis-settings.ts';
import {
  connectionOptions,
  LINK_TIMING,
  type LinkTarget,
  type LinkTiming,
  RedisLink,
  reasonOf,
} from './redis-link.ts';
import { PUBLISH } from './redis-scripts.ts';

interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly node: RedisNode;
  readonly replicas: readonly RedisNode[];
}

const SLOTS = 16384;
const ANSWER_MS = 3000;

// Nodes that a cluster has told of: those of the settings may all be gone one day.
const known = new WeakMap<RedisSettings, readonly RedisNode[]>();

/**
 * Returns the slot of a key, in [0, 16384): of the part within its first pair of braces where there is one that is not empty.
 * Source: the Redis Cluster specification, CRC-16/XMODEM modulo 16384.
 */
export function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc & (SLOTS - 1);
}

/**
 * The key whose node carries all messages: nodes pass on what others publish in no common order, so that everybody publishes and
 * listens at one. Nothing is stored there.
 */
export function busKey({ prefix }: RedisSettings): string {
  return `${prefix}bus`;
}

/**
 * Returns where connections for messages go: the owner of {@link busKey}, or undefined without a cluster. Those that do not
 * listen check whether it still is, and tell it the script to publish with.
 */
export function busTarget(settings: RedisSettings, listens: boolean): LinkTarget | undefined {
  if (!settings.cluster) return undefined;
  const key = busKey(settings);
  const slot = slotOf(key);
  return {
    async find() {
      const range = (await askSlots(settings)).find(({ first, last }) => first <= slot && slot <= last);
      if (!range) throw new Error(`CLUSTERDOWN nobody owns slot ${slot}`);
      return range.node;
    },
    ...(listens ? {} : { check: (client) => client.eval(PUBLISH.lua, 1, key) }),
  };
}

/** Resolves with the nodes of a cluster that own slots or stand by for one that does, and how many slots are owned. */
export async function clusterMembers(settings: RedisSettings) {
  const ranges = await askSlots(settings);
  return {
    masters: distinct(ranges.map(({ node }) => node)),
    replicas: distinct(ranges.flatMap(({ replicas }) => replicas)),
    /** Addresses of masters that no replica stands by for. */
    alone: distinct(ranges.filter(({ replicas }) => replicas.length === 0).map(({ node }) => node)).map(
      addressOf,
    ),
    missingSlots: SLOTS - ranges.reduce((sum, { first, last }) => sum + last + 1 - first, 0),
  };
}

/** Asks all nodes at once, since one that hangs shall hold up nothing, and takes the first answer. */
async function askSlots(settings: RedisSettings): Promise<SlotRange[]> {
  const { Redis } = await loadRedis();
  const nodes = distinct([...(known.get(settings) ?? []), ...settings.cluster!]);
  const clients = nodes.map(
    (node) => [node, new Redis(connectionOptions(settings, 'nautilus-slots', node))] as const,
  );
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject({ code: 'ETIMEDOUT' }), ANSWER_MS);
  try {
    const answers = clients.map(([node, client]) => slotsAt(node, client));
    return await Promise.race([Promise.any(answers), late.promise]);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    clearTimeout(timer);
    for (const [, client] of clients) client.disconnect();
  }

  async function slotsAt(asked: RedisNode, client: Redis): Promise<SlotRange[]> {
    let failure: unknown;
    client.on('error', (error) => {
      failure ??= error;
    });
    try {
      await client.connect();
      const rows = (await client.call('CLUSTER', 'SLOTS')) as [
        number,
        number,
        ...[string | null, number][],
      ][];
      // A node that has not joined, or was thrown out, knows of none.
      if (rows.length === 0) throw new Error('CLUSTERDOWN no slots are assigned');
      const nodeAt = ([host, port]: [string | null, number]) => ({ host: host || asked.host, port });
      const ranges = rows.map(([first, last, owner, ...others]) => {
        return { first, last, node: nodeAt(owner!), replicas: others.map(nodeAt) };
      });
      known.set(settings, distinct(ranges.flatMap(({ node, replicas }) => [node, ...replicas])));
      return ranges;
    } catch (error) {
      throw failure ?? error;
    }
  }
}

/** Returns `host:port`. */
export function addressOf({ host, port }: RedisNode): string {
  return `${host}:${port}`;
}

function distinct(nodes: readonly RedisNode[]): RedisNode[] {
  return [...new Map(nodes.map((node) => [addressOf(node), node])).values()];
}

export interface NodesEvents {
  /** Every owner of slots answers. */
  opened(): void;
  /** One of them is gone; `reason` holds no secret. Also called for each attempt that fails. */
  lost(reason: string): void;
}

/** Keeps a link to each node that owns slots, and follows the slots when they move. */
export class RedisNodes {
  readonly #settings: RedisSettings;
  readonly #name: string;
  readonly #events: NodesEvents;
  readonly #timing: LinkTiming;
  readonly #links = new Map<string, RedisLink>();
  /** Addresses by slot. */
  #owners: string[] = [];
  #owned = 0;
  #masters: ReadonlySet<string> = new Set();
  #refreshing: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(settings: RedisSettings, name: string, events: NodesEvents, timing: LinkTiming = LINK_TIMING) {
    this.#settings = settings;
    this.#name = name;
    this.#events = events;
    this.#timing = timing;
    void this.refresh();
  }

  /** Whether every slot has an owner and every owner answers. */
  get connected(): boolean {
    if (this.#owned < SLOTS) return false;
    for (const address of this.#masters) if (!this.#links.get(address)?.client) return false;
    return true;
  }

  /** The connection to the owner of a key while it is open. */
  clientOf(key: string): Redis | undefined {
    return this.#links.get(this.#owners[slotOf(key)] ?? '')?.client;
  }

  /** Resolves with where to ask again after an error by which a node sends elsewhere; undefined when there is no such place now. */
  async redirected(error: unknown, key: string): Promise<{ client: Redis; asking: boolean } | undefined> {
    const sent = /^(MOVED|ASK|CLUSTERDOWN)\b(?: \d+ (\S*):(\d+))?/.exec((error as Error).message);
    if (!sent) return undefined;
    const [, kind, host, port] = sent;
    // A node in the middle of a move says who has the key; the slot is not its yet.
    if (kind === 'ASK') {
      const client = host ? this.#link({ host, port: Number(port) }).client : undefined;
      return client && { client, asking: true };
    }
    await this.refresh();
    const client = kind === 'MOVED' ? this.clientOf(key) : undefined;
    return client && { client, asking: false };
  }

  /** Gives a connection up and makes a new one. */
  restart(client: Redis, error: unknown): void {
    for (const link of this.#links.values()) if (link.client === client) link.restart(client, error);
  }

  /** Asks the cluster who owns what; resolves when that is known or nobody answered. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const link of this.#links.values()) link.close();
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#retry);
    try {
      const ranges = await askSlots(this.#settings);
      if (!this.#closed) this.#follow(ranges);
    } catch (error) {
      if (!this.#closed) this.#events.lost(reasonOf(error));
    }
    // Links that are lost ask too; this is for a cluster that was never there or is not complete.
    if (this.#closed || this.#owned === SLOTS) return;
    this.#retry = setTimeout(
      () => void this.refresh(),
      this.#timing.retryMs.longest * (0.5 + Math.random() / 2),
    );
  }

  #follow(ranges: readonly SlotRange[]): void {
    const was = this.connected;
    this.#owners = new Array(SLOTS).fill('');
    this.#owned = 0;
    for (const { first, last, node } of ranges) {
      this.#owners.fill(addressOf(node), first, last + 1);
      this.#owned += last + 1 - first;
    }
    this.#masters = new Set(ranges.map(({ node }) => addressOf(node)));
    for (const [address, link] of this.#links) {
      if (this.#masters.has(address)) continue;
      link.close();
      this.#links.delete(address);
    }
    for (const { node } of ranges) this.#link(node);
    if (this.connected === was) return;
    if (was) this.#events.lost('slots have moved');
    else this.#events.opened();
  }

  #link(node: RedisNode): RedisLink {
    const address = addressOf(node);
    let link = this.#links.get(address);
    if (!link) {
      const events = {
        opened: () => {
          if (this.connected) this.#events.opened();
        },
        lost: (reason: string) => {
          this.#events.lost(reason);
          void this.refresh();
        },
      };
      const find = () => Promise.resolve(node);
      link = new RedisLink(this.#settings, this.#name, events, this.#timing, { find });
      this.#links.set(address, link);
      void link.start();
    }
    return link;
  }
}
