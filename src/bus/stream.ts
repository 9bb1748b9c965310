// How an engine takes part in the flow of messages: live as they come, and in lockstep behind a counted barrier.
import { InvariantError, NautilusError } from '../core/errors.ts';
import type { Transaction } from '../store/database.ts';
import type { Bus } from './client.ts';
import type { Envelope, Subscription } from './envelope.ts';
import { LatencyRecorder } from './latency.ts';
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

/** What processing may do: it stores and says things in one unit of work, for the replay that the messages belong to. */
export interface StreamPublisher {
  /** The transaction of the engine's database; see {@link Unit}. */
  readonly tx: Transaction;
  /** Says something once the unit is stored. */
  publish<Body>(topic: Topic<Body>, body: Body, tsEventUs: number, correlationId: string): void;
  /** The replay in whose course this happens; undefined in live running. */
  readonly spec: SessionSpec | undefined;
}

/** An engine's part in the flow. In live running only `process` is called. */
export interface Participant {
  /** Topics that it reads; messages of one event time are processed in this order. */
  readonly consumes: readonly Topic<unknown>[];
  readonly emits: readonly Topic<unknown>[];
  /** `append` topics that it reads in live running only; their events go to `process` as well. */
  readonly follows?: readonly Topic<unknown>[];
  /**
   * Handles messages as one unit of work; in lockstep they come sorted by event time. Calls never overlap. Live events of `append`
   * topics come exactly once in effect, ordered for each key, in calls of their own.
   */
  process(batch: readonly Envelope[], publisher: StreamPublisher): void | Promise<void>;
  /** Prepares a replay (forgets the symbol's and portfolio's state); throws a NautilusError to refuse it. */
  open?(spec: SessionSpec): unknown | Promise<unknown>;
  /** `data`: what every engine's `open` returned. */
  begin?(spec: SessionSpec, data: Readonly<Record<string, unknown>>): void | Promise<void>;
  /** Ends a replay; what it returns goes to the coordinator. */
  close?(spec: SessionSpec): unknown | Promise<unknown>;
  /** Leaves a replay that was broken off: refused elsewhere, cancelled, failed, or without its coordinator. */
  abort?(spec: SessionSpec): void | Promise<void>;
}

interface Step {
  readonly messages: Envelope[];
  readonly received: Record<string, number>;
  /** What each upstream engine says that it emitted. */
  readonly upstream: Map<string, Record<string, number>>;
}

interface Session {
  readonly spec: SessionSpec;
  readonly upstream: readonly string[];
  readonly steps: Map<number, Step>;
  readonly latency: Map<string, LatencyRecorder>;
  next: number;
  closing: number | undefined;
}

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
  readonly #order: ReadonlyMap<string, number>;
  #session: Session | undefined;
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
    this.#divided?.keepFor(() => this.session);
    this.#engine = engine;
    this.#participant = participant;
    this.#report = lockstepReportTopic(engine);
    this.#order = new Map(participant.consumes.map((t, i) => [t.name, i]));
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
    await this.#chain;
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
    if (this.#session && live.length < batch.length) this.#collect(this.#session, batch);
    if (replaysOnly) return;
    const ours = this.#divided ? this.#divided.sort(live) : live;
    if (ours.length > 0) return this.#live(ours);
  }

  #live(batch: readonly Envelope[]): Promise<void> {
    return this.#enqueue(() =>
      this.#runLive(batch, (unit) => {
        const publisher = livePublisher(unit);
        if (!this.#divided) return this.#participant.process(batch, publisher);
        return this.#divided.ours(unit.tx, batch).then((ours) => {
          if (ours.length > 0) return this.#participant.process(ours, publisher);
        });
      }),
    );
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

  #collect(session: Session, batch: readonly Envelope[]): void {
    const now = this.#bus.nowUs();
    const touched = new Set<number>();
    for (const envelope of batch) {
      if (envelope.session !== session.spec.session) continue;
      const number = envelope.step ?? 0;
      const step = stepOf(session, number);
      step.messages.push(envelope);
      step.received[envelope.topic] = (step.received[envelope.topic] ?? 0) + 1;
      session.latency.get(envelope.topic)?.record(now - envelope.ts_sent_us);
      touched.add(number);
    }
    if (touched.has(session.next)) this.#advance();
  }

  #onUpstream(owner: string, batch: readonly Envelope[]): void {
    const session = this.#session;
    if (!session) return;
    for (const envelope of batch) {
      const report = envelope.body as LockstepReport;
      if (report.session !== session.spec.session || report.kind !== 'step') continue;
      stepOf(session, report.step).upstream.set(owner, report.emitted);
    }
    this.#advance();
  }

  #advance(): void {
    void this.#enqueue(async () => {
      for (let session = this.#session; session; session = this.#session) {
        const step = session.steps.get(session.next);
        if (!step || !isComplete(session, step, this.#participant.consumes)) break;
        session.steps.delete(session.next);
        await this.#runStep(session, session.next, step);
        session.next++;
      }
      await this.#closeWhenDone();
    });
  }

  async #runStep(session: Session, number: number, step: Step): Promise<void> {
    const emitted: Record<string, number> = {};
    const rank = this.#order;
    step.messages.sort((a, b) => a.ts_event_us - b.ts_event_us || rank.get(a.topic)! - rank.get(b.topic)!);
    if (step.messages.length > 0) {
      const { spec } = session;
      let tried = false;
      await this.#units.run(async (unit) => {
        // A unit may be run again with what was stored; what an engine holds of a replay beside that would count twice.
        if (tried) throw new InvariantError('a step of a replay could not be stored');
        tried = true;
        await this.#divided?.require(unit.tx, spec);
        return this.#participant.process(step.messages, {
          spec,
          get tx() {
            return unit.tx;
          },
          publish: (topic, body, tsEventUs, correlationId) => {
            emitted[topic.name] = (emitted[topic.name] ?? 0) + 1;
            unit.publish(topic, body, { tsEventUs, correlationId, session: spec.session, step: number });
          },
        });
      });
    }
    this.#publish({
      kind: 'step',
      session: session.spec.session,
      step: number,
      received: step.received,
      emitted,
    });
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
      const owners = new Set(this.#participant.consumes.map((t) => t.owner));
      this.#session = {
        spec,
        upstream: [...owners].filter((owner) => spec.participants.includes(owner)),
        steps: new Map(),
        latency: new Map(this.#participant.consumes.map((t) => [t.name, new LatencyRecorder()])),
        next: 0,
        closing: undefined,
      };
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
    if (!session || session.closing === undefined || session.next < session.closing) return;
    const summary = (await this.#participant.close?.(session.spec)) ?? null;
    this.#session = undefined;
    const latency = Object.fromEntries([...session.latency].map(([name, r]) => [name, r.summary()]));
    this.#publish({ kind: 'closed', session: session.spec.session, summary, latency });
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

function livePublisher(unit: Unit): StreamPublisher {
  return {
    spec: undefined,
    get tx() {
      return unit.tx;
    },
    publish: (topic, body, tsEventUs, correlationId) => {
      unit.publish(topic, body, { tsEventUs, correlationId });
    },
  };
}

function stepOf(session: Session, number: number): Step {
  let step = session.steps.get(number);
  if (!step) {
    step = { messages: [], received: {}, upstream: new Map() };
    session.steps.set(number, step);
  }
  return step;
}

function isComplete(session: Session, step: Step, consumes: readonly Topic<unknown>[]): boolean {
  if (session.upstream.some((engine) => !step.upstream.has(engine))) return false;
  return consumes.every((topic) => {
    const expected = step.upstream.get(topic.owner)?.[topic.name] ?? 0;
    return (step.received[topic.name] ?? 0) === expected;
  });
}

function reasonOf(error: unknown): string {
  return error instanceof NautilusError && error.slug !== 'internal'
    ? error.message
    : 'internal error, see the log';
}
