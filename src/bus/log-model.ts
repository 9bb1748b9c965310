// The part of the log suite that compares a log with a plain model of one stream.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ConflictError } from '../core/errors.ts';
import { freshStream, type LogHarness } from './log-conformance-kit.ts';

/** Registers the test. */
export function logModelTest({ cluster }: LogHarness): void {
  test('does what a plain model does, whatever comes in whatever order', async () => {
    const made = await cluster();
    const clients = await Promise.all([made.connect(), made.connect()]);
    const client = fc.constantFrom(...clients);
    const action = fc.oneof(
      fc.record({
        do: fc.constant('append' as const),
        log: client,
        generation: fc.oneof({ arbitrary: fc.constant('g1'), weight: 8 }, fc.constant('g2')),
        // Mostly the next position, else any.
        first: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 40 })),
        payloads: fc.array(
          fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
          { minLength: 1, maxLength: 6 },
        ),
      }),
      fc.record({ do: fc.constant('trim' as const), log: client, position: fc.nat(40) }),
      fc.record({
        do: fc.constant('read' as const),
        log: client,
        generation: fc.constantFrom('', 'g1', 'g2'),
        position: fc.nat(40),
        maxEvents: fc.integer({ min: 1, max: 8 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const stream = freshStream();
        const model = new ModelStream();
        for (const step of actions) {
          if (step.do === 'append') {
            const first = step.first ?? model.last + 1;
            const sent = step.log.append(stream, step.generation, first, step.payloads);
            const outcome = await sent.catch((error) => (error as Error).constructor);
            expect(outcome).toBe(model.append(step.generation, first, step.payloads));
          } else if (step.do === 'trim') {
            await step.log.trim(stream, step.position);
            model.trim(step.position);
          } else {
            const place = { ...stream, generation: step.generation, position: step.position };
            const [batch] = await step.log.read([place], { maxEvents: step.maxEvents, waitMs: 0 });
            expect(batch?.events ?? []).toEqual(
              model.read(step.generation, step.position).slice(0, step.maxEvents),
            );
            if (batch) expect(batch.generation).toBe(model.generation);
          }
          expect(await step.log.bounds(stream)).toEqual(model.bounds());
        }
      }),
      { numRuns: 60 },
    );
  });
}

/** The rules of a stream, without any care for speed. */
class ModelStream {
  generation = '';
  last = 0;
  events: { position: number; payload: string }[] = [];

  append(generation: string, first: number, payloads: readonly string[]): number | typeof ConflictError {
    if (generation < this.generation) return ConflictError;
    if (generation > this.generation) {
      this.generation = generation;
      this.events = [];
      this.last = first - 1;
    }
    if (first > this.last + 1) return this.last;
    for (const [i, payload] of payloads.entries()) {
      if (first + i <= this.last) continue;
      this.last = first + i;
      this.events.push({ position: first + i, payload });
    }
    return this.last;
  }

  trim(position: number): void {
    this.events = this.events.filter((event) => event.position > position);
  }

  read(generation: string, position: number): readonly { position: number; payload: string }[] {
    if (generation > this.generation) return [];
    return generation < this.generation ? this.events : this.events.filter((e) => e.position > position);
  }

  bounds() {
    if (this.generation === '') return { generation: '', first: 0, last: 0 };
    return {
      generation: this.generation,
      first: this.events[0]?.position ?? this.last + 1,
      last: this.last,
    };
  }
}
