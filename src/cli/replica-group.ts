// The processes of one engine: a single one, or replicas that share a port with or without a proxy before them.
import { resolve } from 'node:path';
import type { Config } from '../core/config.ts';
import { Child, type ChildEvents, type ChildOptions } from './child.ts';
import { ENGINE_MAIN } from './run-file.ts';
import type { Backends } from './tcp-proxy.ts';

const PROXY_MAIN = resolve(import.meta.dir, 'replica-proxy.ts');

export interface GroupOptions
  extends Pick<ChildOptions, 'engine' | 'env' | 'log' | 'onLine' | 'hangS' | 'events'> {
  readonly count: number;
  /** Number of the first replica; undefined for an engine of which one process runs on no other host. */
  readonly first: number | undefined;
  readonly config: Pick<Config, 'replicaProxy'>;
  /** Port that all of them answer on; 0 for any free one. */
  readonly port: number;
}

/** Processes of one engine. */
export class ReplicaGroup {
  /** Its engine processes, in order. */
  readonly children: readonly Child[];
  readonly #proxy: Child | undefined;

  constructor(options: GroupOptions) {
    const { engine, count, first, config, events } = options;
    if (count === 1 && first === undefined) {
      this.children = [
        new Child({ ...options, replica: undefined, label: engine, command: [ENGINE_MAIN, engine] }),
      ];
      return;
    }
    const watched: ChildEvents = {
      ...events,
      changed: () => {
        events.changed();
        this.#tellProxy();
      },
    };
    this.children = Array.from({ length: count }, (_, i) => {
      const replica = (first ?? 0) + i;
      const env = { ...options.env, NAUTILUS_REPLICA: String(replica) };
      const label = `${engine}.${replica}`;
      return new Child({ ...options, env, events: watched, replica, label, command: [ENGINE_MAIN, engine] });
    });
    if (config.replicaProxy) {
      const label = `${engine}.proxy`;
      // A proxy is no engine: nobody on the bus waits for it.
      const quiet: ChildEvents = { changed: () => this.#tellProxy(), lifecycle: () => {} };
      const command = [PROXY_MAIN, label, String(options.port)];
      this.#proxy = new Child({ ...options, events: quiet, replica: undefined, label, command });
    }
  }

  /**
   * Resolves when all are ready. What has the port comes first, the proxy or the first replica: it finds out whether the port is
   * free, or which one it is. The first replica comes alone, since it makes the tables of a new database. Throws
   * DependencyUnavailableError when one cannot start.
   */
  async start(): Promise<void> {
    const [first, ...others] = this.children as [Child, ...Child[]];
    await this.#proxy?.start();
    if (this.#proxy) this.#tellPort(this.#proxy.port);
    await first.start();
    if (others.length > 0) this.#tellPort(first.port);
    await Promise.all(others.map((child) => child.start()));
  }

  /** Called every second. */
  tick(): void {
    for (const child of this.#all()) child.tick();
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.children.map((child) => child.stop(graceMs)));
    // Last, so that replies that are under way still pass.
    await this.#proxy?.stop(graceMs);
  }

  #all(): readonly Child[] {
    return this.#proxy ? [this.#proxy, ...this.children] : this.children;
  }

  #tellPort(port: number | null): void {
    for (const child of this.#all()) child.extraEnv.NAUTILUS_REPLICA_PORT = String(port);
  }

  #tellProxy(): void {
    const ports = this.children.filter((c) => c.state === 'running').flatMap((c) => c.privatePort ?? []);
    this.#proxy?.send({ type: 'backends', ports } satisfies Backends);
  }
}
