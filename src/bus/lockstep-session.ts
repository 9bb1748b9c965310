// A replay as one engine sees it: its steps fill with messages until the counts of everybody upstream are there.
import type { Envelope } from './envelope.ts';
import { LatencyRecorder } from './latency.ts';
import type { Participant } from './participant.ts';
import type { LockstepReport, SessionSpec } from './topics.ts';

/** What has come of one step. */
export interface Step {
  readonly messages: Envelope[];
  readonly received: Record<string, number>;
  /** What each upstream engine says that it emitted. */
  readonly upstream: Map<string, Record<string, number>>;
}

/** The replay that one engine takes part in. */
export class LockstepSession {
  /** The step that is processed next. */
  next = 0;
  /** How many steps there are, once that is known. */
  closing: number | undefined;
  readonly spec: SessionSpec;
  readonly #consumes: Participant['consumes'];
  readonly #upstream: readonly string[];
  readonly #order: ReadonlyMap<string, number>;
  readonly #steps = new Map<number, Step>();
  readonly #latency: ReadonlyMap<string, LatencyRecorder>;

  constructor(spec: SessionSpec, { consumes }: Participant) {
    this.spec = spec;
    this.#consumes = consumes;
    const owners = new Set(consumes.map((t) => t.owner));
    this.#upstream = [...owners].filter((owner) => spec.participants.includes(owner));
    this.#order = new Map(consumes.map((t, i) => [t.name, i]));
    this.#latency = new Map(consumes.map((t) => [t.name, new LatencyRecorder()]));
  }

  /** Whether every step has been processed. */
  get isDone(): boolean {
    return this.closing !== undefined && this.next >= this.closing;
  }

  /** Takes the messages of this replay from a batch; returns whether the next step has got any. */
  collect(batch: readonly Envelope[], nowUs: number): boolean {
    let isNext = false;
    for (const envelope of batch) {
      if (envelope.session !== this.spec.session) continue;
      const number = envelope.step ?? 0;
      const step = this.#step(number);
      step.messages.push(envelope);
      step.received[envelope.topic] = (step.received[envelope.topic] ?? 0) + 1;
      this.#latency.get(envelope.topic)?.record(nowUs - envelope.ts_sent_us);
      isNext ||= number === this.next;
    }
    return isNext;
  }

  /** Takes note of what an engine upstream has reported. */
  report(owner: string, batch: readonly Envelope[]): void {
    for (const envelope of batch) {
      const report = envelope.body as LockstepReport;
      if (report.session !== this.spec.session || report.kind !== 'step') continue;
      this.#step(report.step).upstream.set(owner, report.emitted);
    }
  }

  /** Takes out the next step when it is complete, its messages by event time, then in the order of the participant's topics. */
  takeNext(): Step | undefined {
    const step = this.#steps.get(this.next);
    if (!step || !this.#isComplete(step)) return undefined;
    this.#steps.delete(this.next);
    const rank = this.#order;
    step.messages.sort((a, b) => a.ts_event_us - b.ts_event_us || rank.get(a.topic)! - rank.get(b.topic)!);
    return step;
  }

  /** Latencies of the messages so far, by topic. */
  latency(): Record<string, unknown> {
    return Object.fromEntries([...this.#latency].map(([name, recorder]) => [name, recorder.summary()]));
  }

  #step(number: number): Step {
    let step = this.#steps.get(number);
    if (!step) {
      step = { messages: [], received: {}, upstream: new Map() };
      this.#steps.set(number, step);
    }
    return step;
  }

  #isComplete(step: Step): boolean {
    if (this.#upstream.some((engine) => !step.upstream.has(engine))) return false;
    return this.#consumes.every((topic) => {
      const expected = step.upstream.get(topic.owner)?.[topic.name] ?? 0;
      return (step.received[topic.name] ?? 0) === expected;
    });
  }
}
