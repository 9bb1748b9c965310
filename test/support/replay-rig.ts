// A replay in a test: a slice of a real capture, time that is moved by hand, what was published in lists.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { History } from '../../engines/marketdata/history/history.ts';
import { PIPELINE_TABLES } from '../../engines/marketdata/pipeline/tables.ts';
import { sourceFinder } from '../../engines/marketdata/replay/find-source.ts';
import { MarketReplays } from '../../engines/marketdata/replay/market-replays.ts';
import { ReplayStore } from '../../engines/marketdata/replay/replay-store.ts';
import { type PacedReply, type PacedRequest, pacedReply } from '../../engines/marketdata/replay/schemas.ts';
import { Bus } from '../../src/bus/client.ts';
import type { Envelope } from '../../src/bus/envelope.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { type BodyOf, type Topic, topics } from '../../src/bus/topics.ts';
import { createLog } from '../../src/core/log.ts';
import { ManualTime } from '../../src/core/timers.ts';
import type { Database } from '../../src/store/database.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';
import { eventually } from './eventually.ts';

export const FILE = 'capture';

/** Replays without an engine around them. */
export class Rig {
  readonly time = new ManualTime(1_800_000_000_000_000);
  readonly live = new Set<string>();
  readonly replays: MarketReplays;
  other: string | undefined;
  readonly #folder = mkdtempSync(join(tmpdir(), 'replay-'));
  readonly #hub = new MemoryHub();
  readonly #bus = new Bus('marketdata', this.#hub.connect(), { clock: this.time });
  readonly #reader = new Bus('test', this.#hub.connect());
  readonly #database: Database;
  #received: Envelope[] = [];
  #history: Promise<History> | undefined;

  private constructor(lines: readonly string[]) {
    writeFileSync(join(this.#folder, FILE), lines.map((line) => `${line}\n`).join(''));
    this.#database = openSqlite(join(this.#folder, 'state.sqlite'), { engine: PIPELINE_TABLES });
    this.replays = this.another();
  }

  static async start(lines: readonly string[]): Promise<Rig> {
    const rig = new Rig(lines);
    await rig.#reader.subscribe('market.*', (batch) => void rig.#received.push(...batch));
    return rig;
  }

  /** The replays of another process with the same files. */
  another(): MarketReplays {
    const log = createLog('test', 'silent');
    const parts = { database: this.#database, clock: this.time, log };
    return new MarketReplays({
      store: new ReplayStore(parts, 'paced', pacedReply),
      bus: this.#bus,
      clock: this.time,
      timers: this.time,
      log,
      sourceOf: sourceFinder({ importDir: this.#folder, maxBytes: 1e9, history: () => this.history() }),
      isLive: (symbol) => this.live.has(symbol),
      other: () => this.other,
    });
  }

  /** Resolves when what a replay says now is stored. */
  async saved(id: string): Promise<void> {
    const now = JSON.stringify(this.replays.find(id));
    const stored = async () =>
      (
        await this.#database.get<{ reply: string }>(
          'SELECT reply FROM market_replays WHERE replay_id = ?',
          id,
        )
      )?.reply === now;
    await eventually(stored, 'the replay is stored');
  }

  history(): Promise<History> {
    this.#history ??= History.open({ dataDir: this.#folder, threads: 1, memoryMb: 256 });
    return this.#history;
  }

  async play(over: Partial<PacedRequest> = {}): Promise<PacedReply> {
    const capture = over.symbols && !over.capture ? {} : { capture: FILE };
    const { replay_id } = await this.replays.start({
      mode: 'paced',
      speed: 1,
      paused: false,
      ...capture,
      ...over,
    });
    await this.settled(replay_id);
    return this.replays.find(replay_id)!;
  }

  /** Resolves when the replay waits for its time, for somebody, or for nothing any more. */
  async settled(id: string): Promise<PacedReply> {
    const idle = () => {
      const { state } = this.replays.find(id)!;
      return this.time.waiting > 0 || (state !== 'running' && state !== 'seeking');
    };
    await eventually(idle, 'the replay waits');
    await this.#delivered();
    return this.replays.find(id)!;
  }

  /** Moves the time, and waits until what came due is published. */
  async advance(id: string, ms: number): Promise<PacedReply> {
    this.time.advance(ms);
    return this.settled(id);
  }

  /** Lets it run to its end. */
  async finish(id: string): Promise<PacedReply> {
    for (;;) {
      const reply = await this.settled(id);
      if (this.time.nextMs === null) return reply;
      this.time.advance(this.time.nextMs);
    }
  }

  bodies<Body>(topic: Topic<Body>): Body[] {
    return this.#received.filter((e) => e.topic === topic.name).map((e) => e.body as Body);
  }

  books(): BodyOf<typeof topics.marketBooks>[] {
    return this.bodies(topics.marketBooks);
  }

  /** Everything that was published as rows, by kind, however it was put into bodies. */
  rows() {
    return {
      trades: this.bodies(topics.marketTrades).flatMap((body) => body.trades),
      quotes: this.bodies(topics.marketQuotes).flatMap((body) => body.quotes),
      deltas: this.books().flatMap((body) => body.deltas),
    };
  }

  clear(): void {
    this.#received = [];
  }

  async stop(): Promise<void> {
    await this.replays.stop();
    await (await this.#history)?.close();
    await this.#database.close();
    await this.#bus.close();
    await this.#reader.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #delivered(): Promise<void> {
    await eventually(
      () => this.#reader.stats().received === this.#bus.stats().published,
      'everything published has come',
    );
  }
}
