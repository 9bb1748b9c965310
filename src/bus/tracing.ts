// Traces across messages: what the bus asks of whoever records them. Nothing here loads or knows a tracing library.
import type { Envelope } from './envelope.ts';

/** The recorded handling of one batch. */
export interface HandlingSpans {
  /** Ends it; `error` is what the handling failed with. */
  end(error?: unknown): void;
}

/** Carries traces along with live messages. Messages of replays are never asked about. */
export interface MessageTracing {
  /** The `traceparent` for a message with this correlation; undefined when it belongs to no recorded trace. */
  contextOf(correlationId: string): string | undefined;
  /** Begins the handling of a batch; undefined when none of its messages belongs to a recorded trace. */
  handling(batch: readonly Envelope[]): HandlingSpans | undefined;
}
