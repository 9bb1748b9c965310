// Answers the ml engine's questions about predictions over the bus, in live running only.
import type { Bus } from '../../../src/bus/client.ts';
import type { ValidationReply, ValidationRequest } from '../../../src/bus/decision-bodies.ts';
import type { Envelope, Subscription } from '../../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../../src/bus/topics.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { InvariantError, NautilusError } from '../../../src/core/errors.ts';

type Question = BodyOf<typeof topics.validationRequests>;
type Problem = NonNullable<BodyOf<typeof topics.validations>['problem']>;

/** Questions that wait while others are answered; older ones are dropped, and time out where they were asked. */
const CAPACITY = 1000;

/**
 * A plain subscription, no part of the flow of bars: risk is downstream of predictions, so that a question within a replay could never
 * be answered before its barrier.
 */
export class ValidationDesk {
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #answer: (request: ValidationRequest) => ValidationReply;
  #subscription: Subscription | undefined;

  constructor(bus: Bus, clock: Clock, answer: (request: ValidationRequest) => ValidationReply) {
    this.#bus = bus;
    this.#clock = clock;
    this.#answer = answer;
  }

  async start(): Promise<void> {
    const options = { capacity: CAPACITY };
    this.#subscription = await this.#bus.subscribe(
      topics.validationRequests,
      (batch) => {
        const receivedUs = this.#clock.nowUs();
        for (const message of batch) if (message.session === undefined) this.#take(message, receivedUs);
        this.#bus.flush();
      },
      options,
    );
  }

  async stop(): Promise<void> {
    await this.#subscription?.unsubscribe();
  }

  #take({ body, correlation_id }: Envelope, received_us: number): void {
    const { validation_id, request } = body as Question;
    const answered = this.#try(request);
    this.#bus.publish(
      topics.validations,
      { validation_id, received_us, ...answered },
      { correlationId: correlation_id },
    );
  }

  #try(request: ValidationRequest): { reply: ValidationReply | null; problem: Problem | null } {
    try {
      return { reply: this.#answer(request), problem: null };
    } catch (error) {
      // What is our own fault is reported here, and told without detail.
      if (!(error instanceof NautilusError)) this.#bus.reportError(error, topics.validationRequests.name);
      const known = error instanceof NautilusError ? error : new InvariantError('a validation failed');
      const errors = (known.extras.errors ?? []).map(({ pointer, expected }) => ({ pointer, expected }));
      const { slug, status, title, message: detail } = known;
      return { reply: null, problem: { slug, status, title, detail, errors } };
    }
  }
}
