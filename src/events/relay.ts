// Copies the events of an owner from its outbox to the log, at once when they are stored and again when the log has lost them.
import type { EventLog, StreamId } from '../bus/event-log.ts';
import { NautilusError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Database } from '../store/database.ts';
import { type Appended, eventsAfter, forgetEvents, ownStreams, setGeneration } from './outbox.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly log: EventLog;
  readonly logger: Log;
  readonly nowUs: () => number;
  /** Microseconds that events of a topic stay in the outbox after the log has them; null = for ever. */
  readonly retentionUs: (topic: string) => number | null;
  /** Milliseconds between two looks at whether the log still has everything. */
  readonly checkMs?: number;
}

interface Stream extends StreamId {
  /** Position of the last stored event. */
  last: number;
  /** Position of the last event that the log is known to hold; undefined until it was asked. */
  sent: number | undefined;
  /** What was stored just now, so that it need not be read again. */
  fresh: Appended | undefined;
  running: boolean;
}

const BATCH = 500;
const RETRY_MS = { first: 50, longest: 2000 } as const;
const PRUNE_MS = 60 * 60 * 1000;

/** How far one stream has come. */
export interface StreamState extends StreamId {
  readonly last: number;
  /** Null until the log was asked. */
  readonly sent: number | null;
}

/** Moves events to the log. They leave in order for each stream; nothing is ever left out. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #streams = new Map<string, Stream>();
  #generation: string;
  #timer: ReturnType<typeof setInterval> | undefined;
  #pruner: ReturnType<typeof setInterval> | undefined;
  #away: string | undefined;
  #started = false;
  #mustLook = false;
  #stopped = false;
  readonly #running = new Set<Promise<void>>();

  constructor(options: RelayOptions, generation: string) {
    this.#options = options;
    this.#generation = generation;
  }

  get generation(): string {
    return this.#generation;
  }

  /** Why the log does not take events at the moment; undefined when all is well. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Events that are stored but not known to be in the log. */
  get waiting(): number {
    let waiting = 0;
    for (const { last, sent } of this.#streams.values()) waiting += last - (sent ?? 0);
    return waiting;
  }

  states(): StreamState[] {
    return [...this.#streams.values()].map(({ topic, partition, last, sent }) => ({
      topic,
      partition,
      last,
      sent: sent ?? null,
    }));
  }

  /** Sends what an earlier life has left and keeps looking. */
  async start(): Promise<void> {
    await this.#readLast();
    this.#started = true;
    for (const stream of this.#streams.values()) this.#wake(stream);
    let checking = false;
    this.#timer = setInterval(() => {
      if (checking) return;
      checking = true;
      void this.#check().finally(() => {
        checking = false;
      });
    }, this.#options.checkMs ?? 1000);
    this.#pruner = setInterval(() => void this.prune().catch(() => {}), PRUNE_MS);
  }

  /** Looks soon what the outbox holds: a commit whose answer was lost may have stored events that nobody has noted. */
  lookAgain(): void {
    this.#mustLook = true;
  }

  /** Takes note of events that were stored just now. */
  stored(appended: Appended): void {
    const stream = this.#stream(appended);
    stream.last = Math.max(stream.last, appended.first + appended.payloads.length - 1);
    if (!this.#started) return;
    const { fresh } = stream;
    if (!fresh) stream.fresh = appended;
    else if (fresh.first + fresh.payloads.length === appended.first && fresh.payloads.length < BATCH) {
      stream.fresh = { ...fresh, payloads: [...fresh.payloads, ...appended.payloads] };
    }
    this.#wake(stream);
  }

  /** Gives what is under way `graceMs` to reach the log; the rest goes at the next start. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#pruner);
    await Promise.race([Promise.all(this.#running), Bun.sleep(Math.min(graceMs, 500))]);
    this.#stopped = true;
  }

  /** Removes events from the outbox that the log has and that are older than their topic's retention. */
  async prune(): Promise<void> {
    const { database, retentionUs, nowUs } = this.#options;
    for (const stream of this.#streams.values()) {
      const keep = retentionUs(stream.topic);
      const { sent } = stream;
      if (keep === null || sent === undefined) continue;
      await database.transaction((tx) => forgetEvents(tx, stream, sent, nowUs() - keep));
    }
  }

  #stream({ topic, partition }: StreamId): Stream {
    const key = `${topic}/${partition}`;
    let stream = this.#streams.get(key);
    if (!stream) {
      stream = { topic, partition, last: 0, sent: undefined, fresh: undefined, running: false };
      this.#streams.set(key, stream);
    }
    return stream;
  }

  async #readLast(): Promise<void> {
    this.#mustLook = false;
    try {
      for (const { topic, partition, last } of await ownStreams(this.#options.database)) {
        const stream = this.#stream({ topic, partition });
        stream.last = Math.max(stream.last, last);
      }
    } catch (error) {
      this.#mustLook = true;
      throw error;
    }
  }

  // A log that was emptied or went back to an older state says so when it is asked.
  async #check(): Promise<void> {
    // While the database is away this is tried again at the next look.
    if (this.#mustLook) await this.#readLast().catch(() => {});
    for (const stream of this.#streams.values()) {
      const { sent } = stream;
      if (stream.running || sent === undefined) {
        this.#wake(stream);
        continue;
      }
      try {
        const { generation, last } = await this.#options.log.bounds(stream);
        if (generation === this.#generation && last >= sent) this.#tell(undefined);
        else stream.sent = undefined;
      } catch (error) {
        stream.sent = undefined;
        this.#failed(error);
      }
      this.#wake(stream);
    }
  }

  #wake(stream: Stream): void {
    if (
      !this.#started ||
      stream.running ||
      this.#stopped ||
      (stream.sent !== undefined && stream.sent >= stream.last)
    )
      return;
    stream.running = true;
    const run = this.#send(stream).finally(() => {
      stream.running = false;
      this.#running.delete(run);
      this.#wake(stream);
    });
    this.#running.add(run);
  }

  async #send(stream: Stream): Promise<void> {
    let wait: number = RETRY_MS.first;
    while (!this.#stopped && (stream.sent === undefined || stream.sent < stream.last)) {
      const before = stream.sent ?? stream.last;
      try {
        await this.#step(stream);
        // A log that answers does not always store: only what it took, or has already, shows that it works.
        if (stream.sent !== undefined && stream.sent > before) wait = RETRY_MS.first;
        if (stream.sent === stream.last) this.#tell(undefined);
      } catch (error) {
        this.#failed(error);
        stream.sent = undefined;
        await Bun.sleep(wait * (0.5 + Math.random() / 2));
        wait = Math.min(wait * 2, RETRY_MS.longest);
      }
    }
  }

  async #step(stream: Stream): Promise<void> {
    const { database, log } = this.#options;
    if (stream.sent === undefined) {
      const bounds = await log.bounds(stream);
      const isOurs = bounds.generation === this.#generation;
      const isAhead = isOurs && bounds.last > stream.last;
      if (isAhead) {
        const why = 'the event log is ahead of this database, which was put back from an older copy';
        await this.#beginAnew(stream, bounds.last, why);
      } else stream.sent = isOurs ? bounds.last : 0;
      return;
    }
    const { fresh, sent } = stream;
    stream.fresh = undefined;
    const isNext = fresh !== undefined && fresh.first === sent + 1;
    const events = isNext ? [] : await eventsAfter(database, stream, sent, BATCH);
    const first = isNext ? fresh.first : events[0]?.position;
    if (first === undefined) {
      // What is forgotten by age can't be sent again.
      stream.sent = stream.last;
      return;
    }
    if (first > sent + 1 && sent > 0) {
      await this.#beginAnew(stream, sent, 'the event log has lost events that are too old to be sent again');
      return;
    }
    const payloads = isNext ? fresh.payloads : events.map((e) => e.payload);
    const logged = await log.append(stream, this.#generation, first, payloads);
    stream.sent = logged < first - 1 ? logged : Math.max(sent, logged);
  }

  /** The numbers of the log and of this database no longer belong together: all that is left is sent under a new name. */
  async #beginAnew(stream: StreamId, logged: number, why: string): Promise<void> {
    const { database, logger, nowUs } = this.#options;
    const before = this.#generation;
    this.#generation = await database.transaction((tx) => setGeneration(tx, nowUs()));
    const { topic, partition } = stream;
    logger.error(
      { topic, partition, logged, before, generation: this.#generation },
      `${why}: a new generation begins`,
    );
    for (const other of this.#streams.values()) other.sent = undefined;
  }

  #failed(error: unknown): void {
    const known = error instanceof NautilusError;
    this.#tell(known ? error.message : 'failed, see the log', known ? undefined : error);
  }

  #tell(away: string | undefined, error?: unknown): void {
    // What is lost when an engine stops goes at its next start.
    if (away === this.#away || this.#stopped) return;
    this.#away = away;
    const { logger } = this.#options;
    if (away === undefined) logger.info('the event log takes events again');
    else logger.warn({ reason: away, ...(error !== undefined && { err: error }) }, 'the event log is away');
  }
}
