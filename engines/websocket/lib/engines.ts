// The state of every engine for the snapshot: what each last said of itself, and whether it is silent or gone.
import type { Bus } from '../../../src/bus/client.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { EngineWatch, type Presence } from '../../../src/bus/presence.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import type { Clock } from '../../../src/core/clock.ts';

type Lifecycle = BodyOf<typeof topics.lifecycle>;

// As long as EngineWatch waits before it calls an engine gone.
const SILENCE_S = 3.5;

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

/** Follows presence and lifecycle. */
export class EngineLines {
  readonly #watch: EngineWatch;
  // Processes that the supervisor saw end: silence alone would tell seconds later.
  readonly #exited = new Map<string, number | null>();
  readonly #bus: Bus;

  constructor(bus: Bus, clock: Clock) {
    this.#bus = bus;
    this.#watch = new EngineWatch(bus, clock);
  }

  async start(): Promise<void> {
    await this.#watch.start((presence) => void this.#exited.delete(presence.engine));
    await this.#bus.subscribe(topics.lifecycle, (batch) => {
      for (const { body } of batch as readonly Envelope<Lifecycle>[]) {
        if (body.event !== 'exited' && body.event !== 'stopped') continue;
        this.#exited.set(body.engine, body.pid);
      }
    });
  }

  /** Every engine in order of port; those never heard from at the end. */
  lines(): EngineLine[] {
    const heard = this.#watch.all().map(({ presence, silentS }) => this.#line(presence, silentS));
    const known = new Set(heard.map((line) => line.engine));
    const unheard = engineNames().filter((name) => !known.has(name));
    return [...heard, ...unheard.map(unknownLine)];
  }

  #line(presence: Presence, silentS: number): EngineLine {
    const { engine, port, pid, version, uptime_s, rss_bytes, missing } = presence;
    const exitedPid = this.#exited.get(engine);
    const gone = silentS > SILENCE_S || exitedPid === pid || exitedPid === null;
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
