// Two small engines for the tests of durable events: one that owns fills, one that counts them, each with a database.
import { Bus } from '../bus/client.ts';
import type { Envelope } from '../bus/envelope.ts';
import type { EventLog, LogBatch, LogBounds, LogPlace, ReadOptions, StreamId } from '../bus/event-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import { MemoryHub } from '../bus/memory.ts';
import type { Participant } from '../bus/participant.ts';
import { EngineStream } from '../bus/stream.ts';
import { type BodyOf, topics } from '../bus/topics.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import { createLogTo } from '../core/log.ts';
import type { Database, Migrations } from '../store/database.ts';
import { openDatabase, type StoreConfig } from '../store/open.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { EngineEvents } from './engine-events.ts';
import { EVENT_TABLES } from './schema.ts';

export type FillBody = BodyOf<typeof topics.fills>;

/** A fill of one unit for a portfolio. */
export function fillOf(id: string, portfolio = 'p', quantity = '1'): FillBody {
  const fixed = { symbol: 'X', side: 'buy', price: '10', fee: '0', ts_event_us: 1 } as const;
  return { fill_id: id, order_id: `order-${id}`, portfolio_id: portfolio, quantity, ...fixed };
}

/** The log and the leases that both engines share. A test may take the log away or put an emptied or older one in its place. */
export class Shared implements EventLog {
  readonly kind = 'memory';
  readonly hub = new MemoryHub();
  readonly leases: LeaseBoard;
  #log: EventLog;
  #away = false;
  /** Streams that the owner knows to have begun, as clients of the hub and of Redis know it. */
  readonly #begun = new Set<string>();

  /** In memory unless others are given. */
  constructor(log?: EventLog, leases?: LeaseBoard) {
    this.#log = log ?? this.hub.connectLog();
    this.leases = leases ?? this.hub.leases;
  }

  get connected(): boolean {
    return !this.#away;
  }

  set away(away: boolean) {
    this.#away = away;
  }

  replace(log: EventLog): void {
    this.#log = log;
  }

  async append(stream: StreamId, generation: string, first: number, payloads: readonly string[]) {
    const log = this.#open();
    if (log.kind !== 'memory') return log.append(stream, generation, first, payloads);
    const key = `${stream.topic}/${stream.partition}/${generation}`;
    const { generation: held } = await log.bounds(stream);
    if (this.#begun.has(key) && held !== generation) {
      this.#begun.delete(key);
      return 0;
    }
    const last = await log.append(stream, generation, first, payloads);
    this.#begun.add(key);
    return last;
  }

  async bounds(stream: StreamId): Promise<LogBounds> {
    return this.#open().bounds(stream);
  }

  async read(places: readonly LogPlace[], options: ReadOptions): Promise<LogBatch[]> {
    return this.#open().read(places, options);
  }

  async trim(stream: StreamId, position: number): Promise<void> {
    return this.#open().trim(stream, position);
  }

  async close(): Promise<void> {}

  #open(): EventLog {
    if (this.#away) throw new DependencyUnavailableError('The event log is away');
    return this.#log;
  }
}

const TABLES: Migrations = [
  `CREATE TABLE facts (fill_id TEXT PRIMARY KEY, portfolio TEXT NOT NULL, quantity TEXT NOT NULL);
   CREATE TABLE totals (portfolio TEXT PRIMARY KEY, fills BIGINT NOT NULL);`,
];

const SILENT = createLogTo('test', 'silent', () => {});

abstract class Part {
  database!: Database;
  bus!: Bus;
  events!: EngineEvents;
  stream!: EngineStream;
  readonly errors: unknown[] = [];
  /** Topics of which applying events does not end. */
  readonly hung: string[] = [];
  #dead = false;

  constructor(
    readonly shared: Shared,
    readonly name: string,
    /** A file, or settings that say where the databases are. */
    readonly place: string | StoreConfig,
    /** Put around the database by a test that makes it fail. */
    readonly wrap: (db: Database) => Database = (db) => db,
  ) {}

  abstract readonly participant: Participant;
  reload(): Promise<void> {
    return Promise.resolve();
  }

  /** Opens the database and connects; nothing is sent or consumed yet. */
  async open(): Promise<this> {
    const schemas = { engine: TABLES, events: EVENT_TABLES };
    const { place } = this;
    this.database = this.wrap(
      typeof place === 'string' ? openSqlite(place, schemas) : await openDatabase(place, this.name, schemas),
    );
    this.bus = new Bus(this.name, this.shared.hub.connect(), {
      onHandlerError: (error) => this.errors.push(error),
    });
    const log = new Proxy({} as EventLog, {
      get: (_, property) => {
        if (this.#dead) return () => Promise.reject(new DependencyUnavailableError('dead'));
        const target = this.shared as unknown as Record<PropertyKey, unknown>;
        const value = target[property];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    this.events = await EngineEvents.open({
      engine: this.name,
      member: this.name,
      database: this.database,
      bus: this.bus,
      log,
      leases: this.shared.leases,
      logger: SILENT,
      keepDays: 7,
      onHung: ({ topic }) => this.hung.push(topic),
      hangMs: 100,
      attempts: 5,
      checkMs: 20,
      retryMs: 1,
      waitMs: 50,
    });
    const options = { units: this.events.units, durable: true };
    this.stream = new EngineStream(this.bus, this.name, this.participant, options);
    this.events.connect(this.stream, this.participant, () => this.reload());
    await this.reload();
    return this;
  }

  async start(): Promise<this> {
    await this.stream.start();
    await this.events.startSending();
    await this.events.startConsuming();
    return this;
  }

  /** The end that kill -9 makes, as far as one process can play it: nothing is finished, nothing given back. */
  async kill(): Promise<void> {
    this.#dead = true;
    await this.database.close();
    void this.stream.stop();
    void this.events.stop(0).catch(() => {});
    await this.bus.close();
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    await this.stream.stop();
    await this.events.stop(1000);
    await this.database.close();
    await this.bus.close();
  }
}

/** Owns `strategy.fills`: a fact and its event are stored together. */
export class Owner extends Part {
  readonly participant: Participant = { consumes: [], emits: [topics.fills], process: () => {} };

  trade(fill: FillBody): Promise<Envelope<FillBody>> {
    return this.events.units.run((unit) => {
      unit.tx.write(
        'INSERT INTO facts (fill_id, portfolio, quantity) VALUES (?, ?, ?)',
        fill.fill_id,
        fill.portfolio_id,
        fill.quantity,
      );
      return unit.publish(topics.fills, fill);
    });
  }
}

/** Counts fills in memory and on disk, and keeps the order in which they came. */
export class Counter extends Part {
  totals = new Map<string, number>();
  /** Ids in the order in which they were applied by this process. */
  readonly seen: string[] = [];
  /** Makes the application of a fill fail. */
  failing: (fill: FillBody) => void = () => {};
  /** Keeps the application of a fill waiting. */
  hanging: (fill: FillBody) => Promise<void> | undefined = () => undefined;

  readonly participant: Participant = {
    consumes: [topics.fills],
    emits: [],
    process: async (batch, { tx }) => {
      for (const { body } of batch as readonly Envelope<FillBody>[]) {
        const { portfolio_id: portfolio, fill_id, quantity } = body;
        this.totals.set(portfolio, (this.totals.get(portfolio) ?? 0) + 1);
        await this.hanging(body);
        this.failing(body);
        tx.write(
          'INSERT INTO facts (fill_id, portfolio, quantity) VALUES (?, ?, ?)',
          fill_id,
          portfolio,
          quantity,
        );
        tx.write(
          `INSERT INTO totals (portfolio, fills) VALUES (?, 1)
           ON CONFLICT (portfolio) DO UPDATE SET fills = totals.fills + 1`,
          portfolio,
        );
        this.seen.push(fill_id);
      }
    },
  };

  override async reload(): Promise<void> {
    const rows = await this.database.all<{ portfolio: string; fills: number }>('SELECT * FROM totals');
    this.totals = new Map(rows.map(({ portfolio, fills }) => [portfolio, fills]));
  }

  /** What is on disk. */
  async facts(): Promise<string[]> {
    const rows = await this.database.all<{ fill_id: string }>('SELECT fill_id FROM facts ORDER BY fill_id');
    return rows.map((row) => row.fill_id);
  }
}
