// The seam that transports implement: memory, hub and (later) Redis carry batches; everything else is in client.ts.
import type { Envelope } from './envelope.ts';

/** Receives the batches of one topic, and how many messages the transport itself had to drop for this client. */
export interface TransportSink {
  onBatch(topic: string, batch: readonly Envelope[]): void;
  onDropped(count: number): void;
  /** A batch that could not be decoded: counted, never delivered. */
  onPoison(): void;
}

/**
 * Carries batches of messages at most once, in order for each publisher and topic.
 * Patterns are Redis globs of two signs: `*` is any run of characters (dots too), `?` is one character.
 */
export interface Transport {
  readonly kind: 'memory' | 'hub' | 'redis';
  readonly connected: boolean;
  start(sink: TransportSink): void;
  /** Returns false when the batch could not be taken (not connected): the caller counts it. */
  send(topic: string, batch: readonly Envelope[]): boolean;
  /** Resolves when messages that match `pattern` will be delivered. */
  subscribe(pattern: string): Promise<void>;
  unsubscribe(pattern: string): Promise<void>;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}
