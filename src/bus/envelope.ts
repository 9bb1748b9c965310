// What travels on the bus: a frozen envelope around a body that its topic's schema has checked.

/** One message. Times are integer microseconds since the epoch. */
export interface Envelope<Body = unknown> {
  readonly id: string;
  readonly topic: string;
  readonly version: number;
  /** When it happened in the market's time. */
  readonly ts_event_us: number;
  /** When it was handed to the bus. */
  readonly ts_sent_us: number;
  /** What began the chain: the id of a message (a bar's is carried by the fills that it causes) or the trace of a request. */
  readonly correlation_id: string;
  /** Who published it. */
  readonly source: string;
  /**
   * The span that published it (W3C Trace Context); only in a trace that is recorded, and never in a replay. Says how a trace goes
   * on; nothing else may depend on it.
   */
  readonly traceparent?: string;
  /** The replay that it belongs to; absent in live running. */
  readonly session?: string;
  /** The step of the replay that it belongs to. */
  readonly step?: number;
  readonly body: Body;
}

/** What a publisher may say about a message beside its body. */
export interface PublishMeta {
  /** Defaults to now. */
  readonly tsEventUs?: number;
  /** Defaults to the message's own id. */
  readonly correlationId?: string;
  readonly session?: string;
  readonly step?: number;
  /**
   * The body was made for this message alone, with the keys of its schema and no others, and its texts by functions that give no other form: it is
   * checked but for the patterns of texts, and not copied.
   */
  readonly own?: boolean;
}

/** What one subscription may say about itself. */
export interface SubscribeOptions {
  /** Messages kept for a handler that is still busy; beyond it the oldest are dropped and counted. 1..10,000,000. */
  readonly capacity?: number;
  /** Most messages handed over at once. 1..1,000,000. */
  readonly maxBatch?: number;
}

/** Receives messages in the order in which their publisher sent them; the next batch waits for the returned promise. */
export type BatchHandler = (batch: readonly Envelope[]) => void | Promise<void>;

/** A running subscription. */
export interface Subscription {
  readonly pattern: string;
  /** Messages dropped because the handler was too slow. */
  readonly dropped: number;
  unsubscribe(): Promise<void>;
}
