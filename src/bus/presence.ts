// Who is alive: follows what every engine says of itself each second, and what the supervisor says of their ends.
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import type { Bus } from './client.ts';
import type { Envelope } from './envelope.ts';
import { type BodyOf, topics } from './topics.ts';

/** What an engine, or one replica of it, last said of itself. */
export type Presence = BodyOf<typeof topics.presence>;
type Lifecycle = BodyOf<typeof topics.lifecycle>;

/** One process that was heard of. */
export interface Watched {
  readonly presence: Presence;
  /** Seconds since it was last heard. */
  readonly silentS: number;
  /** Its process has ended, or it has been silent for too long. */
  readonly gone: boolean;
}

// Three missed messages: late once is normal on a busy machine.
const SILENCE_S = 3.5;

const keyOf = ({ engine, replica = 0 }: { engine: string; replica?: number | undefined }) =>
  `${engine}.${replica}`;

/** Keeps the last word of every engine, and of each replica of those that have several. */
export class EngineWatch {
  readonly #seen = new Map<string, { presence: Presence; atUs: number }>();
  // The newest process of each replica that the supervisor saw end: silence alone would tell seconds later.
  readonly #ended = new Map<string, number | null>();
  readonly #bus: Bus;
  readonly #clock: Clock;

  constructor(bus: Bus, clock: Clock = systemClock) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /**
   * Starts to follow. `onStarted` is called for each process that was not known, replicas of one engine too, so that it can be told
   * what it missed.
   */
  async start(onStarted: (presence: Presence) => void = () => {}): Promise<void> {
    await Promise.all([
      this.#bus.subscribe(topics.presence, (batch) => {
        for (const { body } of batch as readonly Envelope<Presence>[]) {
          const before = this.#seen.get(keyOf(body))?.presence;
          this.#seen.set(keyOf(body), { presence: body, atUs: this.#clock.nowUs() });
          if (before?.pid !== body.pid || body.uptime_s < before.uptime_s) onStarted(body);
        }
      }),
      this.#bus.subscribe(topics.lifecycle, (batch) => {
        for (const { body } of batch as readonly Envelope<Lifecycle>[]) {
          if (body.event === 'exited' || body.event === 'stopped') this.#ended.set(keyOf(body), body.pid);
        }
      }),
    ]);
  }

  /** Engines that live and are not stopping, by name, once each: an engine lives as long as one of its replicas. */
  alive(): Presence[] {
    const byName = new Map<string, Presence>();
    for (const { presence, gone } of this.all()) {
      if (!gone && presence.status !== 'stopping' && !byName.has(presence.engine)) {
        byName.set(presence.engine, presence);
      }
    }
    return [...byName.values()].sort((a, b) => a.engine.localeCompare(b.engine));
  }

  /** Every process ever heard from, in order of port and replica; those that replicas had before are not listed. */
  all(): Watched[] {
    const now = this.#clock.nowUs();
    return [...this.#seen.entries()]
      .map(([key, { presence, atUs }]) => {
        const silentS = (now - atUs) / 1e6;
        const ended = this.#ended.get(key) === presence.pid;
        return { presence, silentS, gone: ended || silentS > SILENCE_S };
      })
      .sort(
        (a, b) => a.presence.port - b.presence.port || (a.presence.replica ?? 0) - (b.presence.replica ?? 0),
      );
  }
}
