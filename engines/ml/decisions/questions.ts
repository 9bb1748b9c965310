// Questions to the risk engine over the bus: each waits for its answer, for a bounded time, and there is a bound on how many wait.
import type { Bus } from '../../../src/bus/client.ts';
import type { ValidationReply, ValidationRequest } from '../../../src/bus/decision-bodies.ts';
import type { Envelope, Subscription } from '../../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import type { Clock } from '../../../src/core/clock.ts';
import {
  DeadlineExceededError,
  DependencyUnavailableError,
  NautilusError,
} from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';

/** Questions that wait at most. */
export const MAX_PENDING = 1000;

/** What became of a question; `late` is an answer that nobody waits for any more, or that another system asked for. */
export type Outcome = 'answered' | 'refused' | 'timeout' | 'late';

/** An answer with the way that it took; what is left of the time is that of the way back. */
export interface Answered {
  readonly reply: ValidationReply;
  readonly busOutMs: number;
  readonly riskMs: number;
}

/** How long a question may wait. */
export interface Patience {
  /** Milliseconds that the request has left. */
  readonly leftMs: number;
  readonly signal: AbortSignal;
  readonly correlationId?: string | undefined;
}

type Answer = BodyOf<typeof topics.validations>;

export interface QuestionOptions {
  /** Milliseconds that an answer may take. */
  readonly timeoutMs: number;
  readonly maxPending?: number;
  readonly told: (outcome: Outcome) => void;
}

/** Asks, and gives each answer to who asked. */
export class RiskQuestions {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #options: QuestionOptions;
  readonly #maxPending: number;
  readonly #pending = new Map<string, { take: (answer: Answer) => void; fail: (error: Error) => void }>();
  #subscription: Subscription | undefined;

  constructor(bus: Bus, clock: Clock, options: QuestionOptions) {
    this.#bus = bus;
    this.#clock = clock;
    this.#options = options;
    this.#maxPending = options.maxPending ?? MAX_PENDING;
  }

  /** Questions that wait. */
  get pending(): number {
    return this.#pending.size;
  }

  async start(): Promise<void> {
    this.#subscription = await this.#bus.subscribe(topics.validations, (batch) => {
      for (const message of batch) if (message.session === undefined) this.#take(message);
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.unsubscribe();
    for (const { fail } of this.#pending.values()) fail(new DependencyUnavailableError('The engine stops'));
  }

  /**
   * Returns the answer of the risk engine. Throws DependencyUnavailableError where it is away, slow or too many questions wait,
   * DeadlineExceededError where the request has no time left, and what the risk engine refuses as it would over REST.
   */
  async ask(request: ValidationRequest, { leftMs, signal, correlationId }: Patience): Promise<Answered> {
    if (!this.#bus.connected)
      throw new DependencyUnavailableError('Expected the bus, which leads to the risk engine, was away');
    if (this.#pending.size >= this.#maxPending)
      throw new DependencyUnavailableError(
        `Expected at most ${this.#maxPending} questions to the risk engine at once`,
      );
    const validation_id = newId();
    const sentUs = this.#clock.nowUs();
    const started = performance.now();
    const answer = this.#answerTo(validation_id, leftMs, signal);
    try {
      this.#bus.publish(
        topics.validationRequests,
        { validation_id, request },
        correlationId === undefined ? {} : { correlationId },
      );
      this.#bus.flush();
    } catch (error) {
      this.#pending.get(validation_id)?.fail(error as Error);
    }
    const { reply, problem, received_us } = await answer;
    const took = performance.now() - started;
    if (!reply) {
      this.#options.told('refused');
      const { slug, status, title, detail, errors } = problem!;
      throw new NautilusError(slug, status, title, detail, errors.length > 0 ? { errors } : {});
    }
    this.#options.told('answered');
    const riskMs = Math.min(reply.processing_time_ms, took);
    const onBus = took - riskMs;
    // Clocks of two machines may disagree: what they tell can't be more than the whole way.
    const busOutMs = Math.min(onBus, Math.max(0, (received_us - sentUs) / 1000));
    return { reply, busOutMs, riskMs };
  }

  #answerTo(id: string, leftMs: number, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = this.#options;
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', gone);
        this.#pending.delete(id);
      };
      const fail = (error: Error) => {
        done();
        reject(error);
      };
      const gone = () => fail(new DeadlineExceededError('The request was given up by who asked'));
      const isLast = leftMs < timeoutMs;
      const timer = setTimeout(
        () => {
          this.#options.told('timeout');
          fail(
            isLast
              ? new DeadlineExceededError(
                  'Expected an answer of the risk engine within the time of the request',
                )
              : new DependencyUnavailableError(
                  `Expected an answer of the risk engine within ${timeoutMs} ms, had none: nothing is decided`,
                ),
          );
        },
        Math.min(leftMs, timeoutMs),
      );
      const take = (answer: Answer) => {
        done();
        resolve(answer);
      };
      this.#pending.set(id, { take, fail });
      signal.addEventListener('abort', gone, { once: true });
      if (signal.aborted) gone();
    });
  }

  #take({ body }: Envelope): void {
    const answer = body as Answer;
    const waiting = this.#pending.get(answer.validation_id);
    if (waiting) waiting.take(answer);
    else this.#options.told('late');
  }
}
