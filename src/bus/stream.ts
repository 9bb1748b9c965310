// How an engine takes part in the flow of messages: live as they come, and in lockstep behind a counted barrier.
import { InvariantError, NautilusError } from '../core/errors.ts';
import type { Bus } from './client.ts';
import type { Envelope, Subscription } from './envelope.ts';
import { LockstepSession, type Step } from './lockstep-session.ts';
import { livePublisher, type Participant, replayPublisher } from './participant.ts';
import { Postponed, type PostponedStatus } from './postponed.ts';
import {
  type BodyOf,
  type LockstepReport,
  lockstepReportTopic,
  type SessionSpec,
  type Topic,
  topics,
} from './topics.ts';
import { PlainUnits, type Unit, type UnitRunner } from './unit.ts';
import type { DividedWork } from './work-share.ts';

type Control = BodyOf<typeof topics.lockstepControl>;
type Lifecycle = BodyOf<typeof topics.lifecycle>;

export interface StreamOptions {
  /** Runs the units of work; by default nothing is stored. */
  readonly units?: UnitRunner;
  /** Live events of `append` topics come through {@link EngineStream.take} and are passed over on the bus. */
  readonly durable?: boolean;
  /** Where several processes share the engine's work: live messages and replays of others are left to them. */
  readonly divided?: DividedWork | undefined;
  /** Which of several processes this is. */
  readonly replica?: number | undefined;
  /** Milliseconds for which live messages that cannot be stored are tried again; default one minute. */
  readonly keepMs?: number | undefined;
}

/** Connects one {@link Participant} to the bus. */
export class EngineStream {
  readonly #bus: Bus;
  readonly #units: UnitRunner;
  readonly #durable: boolean;
  readonly #divided: DividedWork | undefined;
  readonly #replica: number | undefined;
  readonly #engine: string;
  readonly #participant: Participant;
  readonly #report: Topic<LockstepReport>;
  readonly #postponed: Postponed;
  #session: LockstepSession | undefined;
  /** A replay that is being opened and that was another process's to take part in. */
  #offered: SessionSpec | undefined;
  #subscriptions: Subscription[] = [];
  // One chain for live batches, steps and control: the participant never sees two calls at once.
  #chain: Promise<void> = Promise.resolve();

  constructor(bus: Bus, engine: string, participant: Participant, options: StreamOptions = {}) {
    this.#bus = bus;
    this.#units = options.units ?? new PlainUnits(bus);
    this.#durable = options.durable ?? false;
    this.#divided = options.divided;
    this.#replica = options.replica;
    this.#divided?.onGained((missed) => this.#onGained(missed));
    this.#divided?.keepFor(() => ({ replay: this.session, waiting: this.#postponed.waiting() }));
    this.#engine = engine;
    this.#participant = participant;
    this.#report = lockstepReportTopic(engine);
    this.#postponed = new Postponed({
      keepMs: options.keepMs,
      handle: (batch) => this.#handleLive(batch),
      enqueue: (work) => this.#enqueue(work),
      failed: (error) => this.#fail(error),
      dropped: (count) => this.#bus.reportDropped(count, `${engine}: could not be stored`),
    });
  }

  /** Live messages that wait because they cannot be stored. */
  get postponed(): PostponedStatus {
    return this.#postponed.status();
  }

  /** The replay that runs now. */
  get session(): SessionSpec | undefined {
    return this.#session?.spec;
  }

  /** Subscribes to everything that the participant reads. */
  async start(): Promise<void> {
    const owners = new Set(this.#participant.consumes.map((t) => t.owner));
    this.#subscriptions = await Promise.all([
      ...this.#participant.consumes.map((t) =>
        this.#bus.subscribe(t, (batch) => this.#onData(batch, this.#durable && t.delivery === 'append')),
      ),
      ...[...owners].map((owner) =>
        this.#bus.subscribe(lockstepReportTopic(owner), (batch) => this.#onUpstream(owner, batch)),
      ),
      this.#bus.subscribe(topics.lockstepControl, (batch) => {
        for (const envelope of batch) this.#enqueue(() => this.#onControl(envelope.body as Control));
      }),
      this.#bus.subscribe(topics.lifecycle, (batch) => {
        for (const { body } of batch as readonly Envelope<Lifecycle>[]) {
          // A coordinator that died cannot say so itself.
          if (body.event === 'exited' && body.engine === topics.lockstepControl.owner) {
            this.#enqueue(() => this.#abort());
          }
        }
      }),
    ]);
  }

  /** Ends the subscriptions and resolves when everything received so far has been processed. */
  async stop(): Promise<void> {
    await Promise.all(this.#subscriptions.splice(0).map((s) => s.unsubscribe()));
    await this.#postponed.close();
  }

  /**
   * Processes live events of `append` topics as one unit that begins with `first` (which notes them as consumed). Rejects with what
   * fails; nothing has happened then.
   */
  take(batch: readonly Envelope[], first: (unit: Unit) => Promise<void>): Promise<void> {
    const result = this.#chain.then(() =>
      this.#runLive(batch, async (unit) => {
        await first(unit);
        await this.#participant.process(batch, livePublisher(unit));
      }),
    );
    this.#chain = result.catch(() => {});
    return result;
  }

  #enqueue(work: () => void | Promise<void>): Promise<void> {
    this.#chain = this.#chain.then(work).catch((error) => this.#fail(error));
    return this.#chain;
  }

  #onData(batch: readonly Envelope[], replaysOnly: boolean): Promise<void> | void {
    // Live messages and those of a replay may come in one batch, in any mixture.
    const live = batch.filter((e) => e.session === undefined);
    if (live.length < batch.length && this.#session?.collect(batch, this.#bus.nowUs())) this.#advance();
    if (replaysOnly) return;
    const ours = this.#divided ? this.#divided.sort(live) : live;
    if (ours.length > 0) return this.#live(ours);
  }

  #live(batch: readonly Envelope[]): Promise<void> {
    return this.#enqueue(() => this.#postponed.take(batch));
  }

  #handleLive(batch: readonly Envelope[]): Promise<void> {
    return this.#runLive(batch, (unit) => {
      const publisher = livePublisher(unit);
      if (!this.#divided) return this.#participant.process(batch, publisher);
      return this.#divided.ours(unit.tx, batch).then((ours) => {
        if (ours.length > 0) return this.#participant.process(ours, publisher);
      });
    });
  }

  #runLive(batch: readonly Envelope[], work: (unit: Unit) => void | Promise<void>): Promise<void> {
    const spans = this.#bus.tracing?.handling(batch);
    const done = this.#units.run(work);
    if (!spans) return done;
    return done.then(
      () => spans.end(),
      (error) => {
        spans.end(error);
        throw error;
      },
    );
  }

  // Enqueued at once, so that what comes from now on is handled after it.
  #onGained(missed: readonly Envelope[]): void {
    if (missed.length > 0) void this.#live(missed);
    void this.#enqueue(() => this.#offered && this.#open(this.#offered));
  }

  #onUpstream(owner: string, batch: readonly Envelope[]): void {
    if (!this.#session) return;
    this.#session.report(owner, batch);
    this.#advance();
  }

  #advance(): void {
    void this.#enqueue(async () => {
      for (let session = this.#session; session; session = this.#session) {
        const step = session.takeNext();
        if (!step) break;
        await this.#runStep(session, step);
        session.next++;
      }
      await this.#closeWhenDone();
    });
  }

  async #runStep({ spec, next: number }: LockstepSession, { messages, received }: Step): Promise<void> {
    const emitted: Record<string, number> = {};
    if (messages.length > 0) {
      let tried = false;
      await this.#units.run(async (unit) => {
        // A unit may be run again with what was stored; what an engine holds of a replay beside that would count twice.
        if (tried) throw new InvariantError('a step of a replay could not be stored');
        tried = true;
        await this.#divided?.require(unit.tx, spec);
        return this.#participant.process(messages, replayPublisher(unit, spec, number, emitted));
      });
    }
    this.#publish({ kind: 'step', session: spec.session, step: number, received, emitted });
  }

  async #onControl(control: Control): Promise<void> {
    if (control.kind === 'open') return this.#open(control.spec);
    if (this.#offered?.session === control.session) this.#offered = undefined;
    const session = this.#session;
    if (!session || session.spec.session !== control.session) return;
    if (control.kind === 'begin') await this.#participant.begin?.(session.spec, control.data);
    else if (control.kind === 'abort') await this.#abort();
    else {
      session.closing = control.steps;
      await this.#closeWhenDone();
    }
  }

  async #open(spec: SessionSpec): Promise<void> {
    if (!spec.participants.includes(this.#engine)) return;
    await this.#abort();
    this.#offered = this.#divided?.takesPart(spec) === false ? spec : undefined;
    if (this.#offered) return;
    try {
      const data = await this.#participant.open?.(spec);
      this.#session = new LockstepSession(spec, this.#participant);
      const replica = this.#replica === undefined ? {} : { replica: this.#replica };
      this.#publish({ kind: 'ready', session: spec.session, data: data ?? null, ...replica });
    } catch (error) {
      const { slug, status, title } =
        error instanceof NautilusError ? error : new InvariantError('open failed');
      const problem = { slug, status, title };
      if (status >= 500 && slug === 'internal') this.#bus.reportError(error, this.#engine);
      this.#publish({ kind: 'refused', session: spec.session, reason: reasonOf(error), problem });
    }
  }

  async #closeWhenDone(): Promise<void> {
    const session = this.#session;
    if (!session?.isDone) return;
    const summary = (await this.#participant.close?.(session.spec)) ?? null;
    this.#session = undefined;
    this.#publish({ kind: 'closed', session: session.spec.session, summary, latency: session.latency() });
  }

  async #abort(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    await this.#participant.abort?.(session.spec);
  }

  #publish(report: LockstepReport): void {
    this.#bus.publish(this.#report, report);
    this.#bus.flush();
  }

  async #fail(error: unknown): Promise<void> {
    const session = this.#session;
    this.#bus.reportError(error, this.#engine);
    if (!session) return;
    await this.#abort().catch((cause) => this.#bus.reportError(cause, this.#engine));
    this.#publish({ kind: 'failed', session: session.spec.session, reason: reasonOf(error) });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof NautilusError && error.slug !== 'internal'
    ? error.message
    : 'internal error, see the log';
}
