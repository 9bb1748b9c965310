// The state of every engine for the snapshot: what each last said of itself, and whether it is silent or gone.
import type { Bus } from '../../../src/bus/client.ts';
import { EngineWatch, type Presence, type Watched } from '../../../src/bus/presence.ts';
import { topics } from '../../../src/bus/topics.ts';
import type { Clock } from '../../../src/core/clock.ts';

/** One engine; everything is null until it was first heard. */
export interface EngineLine {
  readonly engine: string;
  readonly status: Presence['status'] | 'down' | 'unknown';
  readonly port: number | null;
  readonly pid: number | null;
  readonly version: string | null;
  readonly uptime_s: number | null;
  readonly rss_bytes: number | null;
  readonly missing: readonly string[];
  /** Seconds since it was last heard. */
  readonly silent_s: number | null;
}

/** Names of all engines: the owners of topics, and the one that only listens. */
export function engineNames(): string[] {
  const owners = Object.values(topics).map((topic) => topic.owner);
  return [...new Set([...owners, 'websocket'])].filter((name) => name !== '*' && name !== 'supervisor');
}

/** Every engine of the system, heard from or not. */
export class EngineLines {
  readonly #watch: EngineWatch;

  constructor(bus: Bus, clock: Clock) {
    this.#watch = new EngineWatch(bus, clock);
  }

  start(): Promise<void> {
    return this.#watch.start();
  }

  /** Every engine in order of port; those never heard from at the end. */
  lines(): EngineLine[] {
    const heard = this.#watch.all().map((watched) => this.#line(watched));
    const known = new Set(heard.map((line) => line.engine));
    const unheard = engineNames().filter((name) => !known.has(name));
    return [...heard, ...unheard.map(unknownLine)];
  }

  #line({ presence, silentS, gone }: Watched): EngineLine {
    const { engine, port, pid, version, uptime_s, rss_bytes, missing } = presence;
    const silent_s = Math.round(silentS * 1000) / 1000;
    return {
      engine,
      status: gone ? 'down' : presence.status,
      port,
      pid,
      version,
      uptime_s,
      rss_bytes,
      missing,
      silent_s,
    };
  }
}

function unknownLine(engine: string): EngineLine {
  return {
    engine,
    status: 'unknown',
    port: null,
    pid: null,
    version: null,
    uptime_s: null,
    rss_bytes: null,
    missing: [],
    silent_s: null,
  };
}
