// What a set of clients with the same subscriptions sees: messages are chosen and written once for all of them.
import type { Envelope } from '../../../src/bus/envelope.ts';
import { type Filter, topicsOf } from './protocol.ts';

// Well under the 1 MiB that some clients accept; a burst becomes several frames.
const MAX_FRAME_CHARS = 262_144;
const MAX_FRAME_MESSAGES = 512;

/** One message on its way to clients; its JSON is made when the first client wants it. */
export class Outgoing {
  readonly envelope: Envelope;
  #json: string | undefined;

  constructor(envelope: Envelope) {
    this.envelope = envelope;
  }

  /** The members after `seq` and the closing brace: `"topic":...}`. */
  get json(): string {
    this.#json ??= this.#write();
    return this.#json;
  }

  #write(): string {
    const { topic, ts_event_us, ts_sent_us, correlation_id, session, body } = this.envelope;
    const replay = session === undefined ? '' : `"session":${JSON.stringify(session)},`;
    return `"topic":"${topic}","ts_event_us":${ts_event_us},"ts_sent_us":${ts_sent_us},"correlation_id":${JSON.stringify(correlation_id)},${replay}"body":${JSON.stringify(body)}}`;
  }
}

/** A frame without its head, which carries the sequence number of one connection. */
export interface SharedFrame {
  readonly type: 'message' | 'batch';
  readonly count: number;
  /** What follows `{"type":...,"seq":N,`. */
  readonly tail: string;
  /** The messages in it. */
  readonly messages: readonly Outgoing[];
}

/** Returns the whole text of a frame for a connection whose next message has number `seq`. */
export function frameText(frame: SharedFrame, seq: number): string {
  return `{"type":"${frame.type}","seq":${seq},${frame.tail}`;
}

/** One set of subscriptions: filters by pattern. */
export type Subscriptions = ReadonlyMap<string, Filter | undefined>;

type FieldSets = readonly (readonly [field: string, values: ReadonlySet<unknown>])[];

/** Returns a text that is equal for equal sets of subscriptions. */
export function viewKey(subscriptions: Subscriptions): string {
  const sorted = (values: readonly string[] | undefined) => (values ? [...new Set(values)].sort() : null);
  return JSON.stringify(
    [...subscriptions.keys()].sort().map((pattern) => {
      const filter = subscriptions.get(pattern);
      return [pattern, sorted(filter?.symbol), sorted(filter?.portfolio_id)];
    }),
  );
}

/** Chooses and writes messages for every client with the same subscriptions. */
export class View<Client> {
  readonly key: string;
  readonly clients = new Set<Client>();
  // By topic: the filters of which one has to pass.
  readonly #byTopic = new Map<string, FieldSets[]>();

  constructor(subscriptions: Subscriptions) {
    this.key = viewKey(subscriptions);
    for (const [pattern, filter] of subscriptions) {
      const sets = Object.entries(filter ?? {})
        .filter(([, values]) => values !== undefined)
        .map(([field, values]) => [field, new Set<unknown>(values)] as const);
      for (const topic of topicsOf(pattern)) {
        const known = this.#byTopic.get(topic);
        if (known) known.push(sets);
        else this.#byTopic.set(topic, [sets]);
      }
    }
  }

  /** Names of the topics that it shows some of. */
  get topics(): Iterable<string> {
    return this.#byTopic.keys();
  }

  /** Whether clients of this view get the message. */
  wants(envelope: Envelope): boolean {
    const filters = this.#byTopic.get(envelope.topic);
    if (!filters) return false;
    const body = envelope.body as Readonly<Record<string, unknown>>;
    return filters.some((sets) =>
      sets.every(([field, values]) => body[field] === undefined || values.has(body[field])),
    );
  }

  /** The frames for what was sent in one turn, in its order. */
  frames(pending: readonly Outgoing[]): SharedFrame[] {
    return framesOf(pending.filter(({ envelope }) => this.wants(envelope)));
  }
}

/** Puts messages into as few frames as their sizes allow. */
export function framesOf(messages: readonly Outgoing[]): SharedFrame[] {
  const frames: SharedFrame[] = [];
  let open: Outgoing[] = [];
  let chars = 0;
  const close = () => {
    if (open.length === 0) return;
    const texts = open.map(({ json }) => json);
    const tail = texts.length === 1 ? texts[0]! : `"messages":[{${texts.join(',{')}]}`;
    frames.push({
      type: texts.length === 1 ? 'message' : 'batch',
      count: texts.length,
      tail,
      messages: open,
    });
    open = [];
    chars = 0;
  };
  for (const outgoing of messages) {
    const { length } = outgoing.json;
    if (chars + length > MAX_FRAME_CHARS || open.length === MAX_FRAME_MESSAGES) close();
    open.push(outgoing);
    chars += length;
  }
  close();
  return frames;
}
