// The history within its engine: opened when it is first needed, kept in order at intervals, closed with the engine.
import { InvalidOptionError } from '../../../src/core/errors.ts';
import type { EngineContext } from '../../../src/http/engine.ts';
import { MARKET_KINDS, type MarketKind } from '../../../src/market/records.ts';
import { History } from './history.ts';
import type { Damage } from './integrity.ts';

const MAINTENANCE_MS = 600_000;
/** Bytes of partitions that are compared with their hashes in one round: 72 GiB a day. */
const VERIFY_BYTES = 512 * 2 ** 20;

/** Opens, keeps and closes the history. */
export class HistoryDesk {
  readonly #context: Pick<EngineContext, 'config' | 'log' | 'clock'>;
  readonly #keepDays: Partial<Record<MarketKind, number>>;
  #history: Promise<History> | undefined;
  #open: History | undefined;
  #told: ReadonlySet<string> = new Set();
  #stopped = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Throws InvalidOptionError when records are to be kept of a kind that there is not. */
  constructor(context: Pick<EngineContext, 'config' | 'log' | 'clock'>) {
    this.#context = context;
    this.#keepDays = context.config.history.keepDays;
    const unknown = Object.keys(this.#keepDays).find((kind) => !MARKET_KINDS.includes(kind as MarketKind));
    if (unknown !== undefined)
      throw new InvalidOptionError(
        `Expected kinds out of ${MARKET_KINDS.join(', ')} in NAUTILUS_HISTORY_KEEP_DAYS`,
      );
  }

  /** The history, opened on first use. Throws StorageUnavailableError. */
  open(): Promise<History> {
    this.#history ??= this.#load().catch((error) => {
      this.#history = undefined;
      throw error;
    });
    return this.#history;
  }

  /** Opens it in the background: the engine is ready before DuckDB has loaded, requests that need it wait for it. */
  start(): void {
    const { log } = this.#context;
    this.open().then(
      () => this.#verify(),
      (err) => log.error({ err }, 'the history could not be opened'),
    );
    this.#timer = setInterval(() => this.#maintain(), MAINTENANCE_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await (await this.#history?.catch(() => undefined))?.close();
  }

  /** Partitions that are missing, torn or changed, as far as they have been looked at. */
  get damaged(): readonly Damage[] {
    return this.#open?.roller.integrity.damaged ?? [];
  }

  /** What operators have to know. */
  status() {
    return { damaged_partitions: this.damaged.length };
  }

  async #load(): Promise<History> {
    const { config } = this.#context;
    const { memoryMb, tempMb } = config.history;
    const { dataDir, threads } = config;
    const history = await History.open({ dataDir, threads, memoryMb, tempMb, keepDays: this.#keepDays });
    this.#open = history;
    this.#tellDamage();
    return history;
  }

  async #maintain(): Promise<void> {
    const { log, clock } = this.#context;
    try {
      const done = await (await this.open()).maintain(clock.nowUs());
      if (done.rolled + done.merged + done.expiredRows > 0) log.info(done, 'the history was put in order');
    } catch (err) {
      if (!this.#stopped) log.error({ err }, 'the history could not be put in order');
    }
    await this.#verify();
  }

  /** Reads some partitions: what is wrong with them is known before somebody needs them. */
  async #verify(): Promise<void> {
    try {
      await this.#open?.roller.integrity.verify(VERIFY_BYTES);
      this.#tellDamage();
    } catch (err) {
      if (!this.#stopped) this.#context.log.error({ err }, 'the history could not be looked through');
    }
  }

  #tellDamage(): void {
    const damaged = new Set(this.damaged.map(({ partition, reason }) => `${reason} ${partition.path}`));
    for (const damage of damaged)
      if (!this.#told.has(damage))
        this.#context.log.error({ damage }, 'a partition of the history is damaged');
    this.#told = damaged;
  }
}
