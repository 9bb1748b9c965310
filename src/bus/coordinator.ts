// The coordinator of a replay: opens it on every engine, feeds bars behind the counted barrier, gathers the outcome.
import { ConflictError, DependencyUnavailableError, NautilusError } from '../core/errors.ts';
import type { Bus } from './client.ts';
import type { Envelope, Subscription } from './envelope.ts';
import type { LatencySummary } from './latency.ts';
import {
  type BodyOf,
  type LockstepReport,
  lockstepReportTopic,
  type SessionSpec,
  type Topic,
  topics,
} from './topics.ts';

/** One message that the coordinator feeds: a body and its event time. */
export interface FeedItem<Body> {
  readonly body: Body;
  readonly tsEventUs: number;
}

export interface LockstepOptions {
  /** Events in one barrier; the outcome does not depend on it. 1..65536. */
  readonly barrierEvents?: number;
  /** Barriers under way at once; the outcome does not depend on it. 1..64. */
  readonly inFlight?: number;
  /** Longest wait for any engine to report, in milliseconds. */
  readonly timeoutMs?: number;
  /** Called when every engine is ready, before the first event. */
  readonly onOpen?: () => void;
  readonly onProgress?: (eventsDone: number) => void;
  readonly signal?: AbortSignal;
}

/** What the engines said at the end. */
export interface LockstepOutcome {
  readonly events: number;
  readonly steps: number;
  /** Summary of each engine's `close`, by engine. */
  readonly summaries: Readonly<Record<string, unknown>>;
  /** Latency of each hop, `publisher->reader`, in microseconds from publish to receipt. */
  readonly latency: Readonly<Record<string, LatencySummary>>;
}

const DEFAULTS = { barrierEvents: 64, inFlight: 4, timeoutMs: 10_000 } as const;
const YIELD_EVERY_MS = 5;
type StepReport = Extract<LockstepReport, { kind: 'step' }>;

/**
 * Drives one replay of `feed` on `topic`. Each barrier is a batch of events; an engine passes it when it has received
 * exactly what the engines before it say they emitted. Throws the error of an engine that refuses,
 * {@link DependencyUnavailableError} when one is missing, fails or stops, {@link ConflictError} when it is cancelled.
 */
export async function runLockstep<Body>(
  bus: Bus,
  spec: SessionSpec,
  topic: Topic<Body>,
  feed: Iterable<FeedItem<Body>> | AsyncIterable<FeedItem<Body>>,
  options: LockstepOptions = {},
): Promise<LockstepOutcome> {
  const run = new Run(bus, spec, options);
  await run.listen();
  try {
    await run.open();
    options.onOpen?.();
    const outcome = await run.feed(topic, feed);
    return outcome;
  } catch (error) {
    bus.publish(topics.lockstepControl, { kind: 'abort', session: spec.session, reason: String(error) });
    throw error;
  } finally {
    await run.end();
  }
}

class Run {
  readonly #others: readonly string[];
  readonly #ready = new Map<string, Extract<LockstepReport, { kind: 'ready' }>>();
  readonly #closed = new Map<string, Extract<LockstepReport, { kind: 'closed' }>>();
  readonly #doneSteps = new Map<string, number>();
  readonly #timeoutMs: number;
  readonly #barrierEvents: number;
  readonly #inFlight: number;
  readonly #barrierSizes: number[] = [];
  #subscriptions: Subscription[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #eventsDone = 0;
  #stepsDone = 0;
  #lastYield = performance.now();

  constructor(
    readonly bus: Bus,
    readonly spec: SessionSpec,
    readonly options: LockstepOptions,
  ) {
    this.#others = spec.participants.filter((p) => p !== bus.source);
    this.#timeoutMs = options.timeoutMs ?? DEFAULTS.timeoutMs;
    this.#barrierEvents = options.barrierEvents ?? DEFAULTS.barrierEvents;
    this.#inFlight = options.inFlight ?? DEFAULTS.inFlight;
    for (const engine of this.#others) this.#doneSteps.set(engine, 0);
  }

  async listen(): Promise<void> {
    const handler = (batch: readonly Envelope[]) => {
      for (const envelope of batch) this.#onReport(envelope.source, envelope.body as LockstepReport);
      this.#wake?.();
    };
    const onLifecycle = (batch: readonly Envelope[]) => {
      for (const { body } of batch as readonly Envelope<BodyOf<typeof topics.lifecycle>>[]) {
        if (body.event === 'exited' && this.#others.includes(body.engine) && this.#mayTakePart(body)) {
          this.#failure ??= new DependencyUnavailableError(`Engine ${body.engine} stopped during the replay`);
        }
      }
      this.#wake?.();
    };
    this.#subscriptions = await Promise.all([
      ...this.#others.map((engine) => this.bus.subscribe(lockstepReportTopic(engine), handler)),
      this.bus.subscribe(topics.lifecycle, onLifecycle),
    ]);
  }

  async open(): Promise<void> {
    this.bus.publish(topics.lockstepControl, { kind: 'open', spec: this.spec });
    this.bus.flush();
    await this.#until(
      () => this.#ready.size === this.#others.length,
      'be ready',
      () => this.#others.filter((engine) => !this.#ready.has(engine)),
    );
    this.bus.publish(topics.lockstepControl, {
      kind: 'begin',
      session: this.spec.session,
      data: Object.fromEntries([...this.#ready].map(([engine, { data }]) => [engine, data])),
    });
    this.bus.flush();
  }

  async feed<Body>(
    topic: Topic<Body>,
    feed: Iterable<FeedItem<Body>> | AsyncIterable<FeedItem<Body>>,
  ): Promise<LockstepOutcome> {
    let events = 0;
    let step = 0;
    let inStep = 0;
    for await (const item of feed) {
      this.bus.publish(topic, item.body, { tsEventUs: item.tsEventUs, session: this.spec.session, step });
      events++;
      if (++inStep < this.#barrierEvents) continue;
      await this.#endStep(topic.name, step++, inStep);
      inStep = 0;
    }
    if (inStep > 0) await this.#endStep(topic.name, step++, inStep);
    await this.#until(
      () => this.#stepsDone === step,
      'finish the last barrier',
      () => this.#behind(step),
    );
    this.bus.publish(topics.lockstepControl, { kind: 'close', session: this.spec.session, steps: step });
    this.bus.flush();
    await this.#until(
      () => this.#closed.size === this.#others.length,
      'close',
      () => this.#others.filter((engine) => !this.#closed.has(engine)),
    );
    return { events, steps: step, ...this.#gather() };
  }

  async end(): Promise<void> {
    await Promise.all(this.#subscriptions.map((s) => s.unsubscribe()));
  }

  async #endStep(topicName: string, step: number, events: number): Promise<void> {
    this.#barrierSizes.push(events);
    this.bus.publish(lockstepReportTopic(this.bus.source), {
      kind: 'step',
      session: this.spec.session,
      step,
      received: {},
      emitted: { [topicName]: events },
    });
    this.bus.flush();
    await this.#yieldToIo();
    const free = () => step + 1 - this.#stepsDone < this.#inFlight;
    if (!free())
      await this.#until(free, `finish barrier ${this.#stepsDone}`, () => this.#behind(this.#stepsDone + 1));
  }

  // Over memory a whole replay could run in one turn of the loop: requests and sockets have to get their share.
  async #yieldToIo(): Promise<void> {
    if (performance.now() - this.#lastYield < YIELD_EVERY_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#lastYield = performance.now();
  }

  #behind(steps: number): string[] {
    return this.#others.filter((engine) => this.#doneSteps.get(engine)! < steps);
  }

  /** Only one of an engine's replicas takes part, and has said which. */
  #mayTakePart({
    engine,
    replica,
  }: {
    readonly engine: string;
    readonly replica?: number | undefined;
  }): boolean {
    return (this.#ready.get(engine)?.replica ?? replica) === replica;
  }

  #onReport(engine: string, report: LockstepReport): void {
    if (report.session !== this.spec.session) return;
    if (report.kind === 'ready') this.#ready.set(engine, report);
    else if (report.kind === 'closed') this.#closed.set(engine, report);
    else if (report.kind === 'refused') {
      const { slug, status, title } = report.problem;
      this.#failure ??= new NautilusError(slug, status, title, `${engine}: ${report.reason}`);
    } else if (report.kind === 'failed') {
      this.#failure ??= new DependencyUnavailableError(
        `Engine ${engine} failed during the replay: ${report.reason}`,
      );
    } else this.#onStep(engine, report);
  }

  #onStep(engine: string, report: StepReport): void {
    this.#doneSteps.set(engine, report.step + 1);
    const done = Math.min(...this.#doneSteps.values());
    if (done === this.#stepsDone) return;
    for (; this.#stepsDone < done; this.#stepsDone++)
      this.#eventsDone += this.#barrierSizes[this.#stepsDone]!;
    this.options.onProgress?.(this.#eventsDone);
  }

  async #until(condition: () => boolean, doing: string, missing: () => string[]): Promise<void> {
    const deadline = performance.now() + this.#timeoutMs;
    let progress = this.#stepsDone;
    let limit = deadline;
    while (!condition()) {
      if (this.#failure) throw this.#failure;
      if (this.options.signal?.aborted) throw new ConflictError('The replay was cancelled');
      if (progress !== this.#stepsDone) {
        progress = this.#stepsDone;
        limit = performance.now() + this.#timeoutMs;
      }
      const left = limit - performance.now();
      if (left <= 0) {
        throw new DependencyUnavailableError(
          `Expected ${missing().join(', ')} to ${doing} within ${this.#timeoutMs} ms`,
        );
      }
      await this.#sleepUntilWoken(left);
    }
    if (this.#failure) throw this.#failure;
  }

  #sleepUntilWoken(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, Math.min(ms, 250));
      this.#wake = done;
      function done() {
        clearTimeout(timer);
        resolve();
      }
    });
  }

  #gather(): Pick<LockstepOutcome, 'summaries' | 'latency'> {
    const owners = new Map(Object.values(topics).map((t) => [t.name, t.owner]));
    const latency: Record<string, LatencySummary> = {};
    for (const [engine, report] of this.#closed) {
      for (const [topicName, summary] of Object.entries(report.latency as Record<string, LatencySummary>)) {
        if (summary.count > 0) latency[`${owners.get(topicName)}->${engine} ${topicName}`] = summary;
      }
    }
    return { summaries: Object.fromEntries([...this.#closed].map(([e, r]) => [e, r.summary])), latency };
  }
}
