// Who is alive: follows the presence messages that every engine publishes each second.
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import type { Bus } from './client.ts';
import { type BodyOf, topics } from './topics.ts';

/** What an engine last said of itself. */
export type Presence = BodyOf<typeof topics.presence>;

// Three missed messages: late once is normal on a busy machine.
const SILENCE_US = 3_500_000;

/** Keeps the last word of every engine. */
export class EngineWatch {
  readonly #seen = new Map<string, { presence: Presence; atUs: number }>();
  readonly #bus: Bus;
  readonly #clock: Clock;

  constructor(bus: Bus, clock: Clock = systemClock) {
    this.#bus = bus;
    this.#clock = clock;
  }

  /** Starts to follow. `onStarted` is called for each process that was not known, so that it can be told what it missed. */
  async start(onStarted: (presence: Presence) => void = () => {}): Promise<void> {
    await this.#bus.subscribe(topics.presence, (batch) => {
      for (const envelope of batch) {
        const presence = envelope.body as Presence;
        const before = this.#seen.get(presence.engine);
        this.#seen.set(presence.engine, { presence, atUs: this.#clock.nowUs() });
        if (before?.presence.pid !== presence.pid || presence.uptime_s < before.presence.uptime_s)
          onStarted(presence);
      }
    });
  }

  /** Engines heard from within the last 3.5 s that are not stopping, by name. */
  alive(): Presence[] {
    const now = this.#clock.nowUs();
    return [...this.#seen.values()]
      .filter((s) => now - s.atUs < SILENCE_US && s.presence.status !== 'stopping')
      .map((s) => s.presence)
      .sort((a, b) => a.engine.localeCompare(b.engine));
  }

  /** Every engine ever heard from, with how long ago in seconds. */
  all(): { presence: Presence; silentS: number }[] {
    const now = this.#clock.nowUs();
    return [...this.#seen.values()]
      .map((s) => ({ presence: s.presence, silentS: (now - s.atUs) / 1e6 }))
      .sort((a, b) => a.presence.port - b.presence.port);
  }
}
