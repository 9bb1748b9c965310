// The durable log over Redis: one stream for each topic, partition and generation, whose entry ids are the owner's positions.
import { ConflictError, DependencyUnavailableError } from '../core/errors.ts';
import {
  checkAppend,
  type EventLog,
  type LogBatch,
  type LogBounds,
  type LogPlace,
  type ReadOptions,
  type StreamId,
} from './event-log.ts';
import { type RedisCallOptions, RedisCalls } from './redis-calls.ts';
import { APPEND, BOUNDS, READ, TRIM } from './redis-scripts.ts';
import { RedisWakes } from './redis-wakes.ts';
import { DEFAULT_RETENTION, type RetentionOf } from './retention.ts';

export interface RedisLogOptions extends RedisCallOptions {
  /** What is kept of a topic, {@link DEFAULT_RETENTION} when absent; Redis trims in steps and may keep somewhat more. */
  readonly retention?: RetentionOf;
}

// No script shall hold up the others for long: these take a millisecond or two.
const CHUNK_EVENTS = 256;
const CHUNK_CHARS = 2 ** 19;
const READ_BYTES = 8 * 2 ** 20;
// A message that wakes readers can be lost with a connection; who waits looks again this often.
const LOOK_MS = 500;

type Found = [index: number, generation: string, first: string, ...payloads: string[]];

/**
 * Keeps events in Redis streams. How safe they are there is a matter of its settings (`appendonly`, `appendfsync`): what an
 * emptied or older Redis lacks shows in the answers of {@link append} and {@link bounds}, and is sent again by the owner.
 */
export class RedisLog implements EventLog {
  readonly kind = 'redis';
  readonly #options: RedisLogOptions;
  readonly #calls: RedisCalls;
  readonly #wakes: RedisWakes;
  // The last position that this process knows of each stream of a generation.
  readonly #known = new Map<string, { readonly generation: string; readonly last: number }>();
  // Appends of one stream are sent one after the other, so that none overtakes the parts of a large one before it.
  readonly #tails = new Map<string, Promise<unknown>>();
  #told = false;

  constructor(options: RedisLogOptions) {
    this.#options = options;
    const { name } = options;
    const onChange = (_: boolean, reason: string) => this.#tell(reason);
    this.#calls = new RedisCalls('The event log', { ...options, name: `nautilus-${name}-log`, onChange });
    this.#wakes = new RedisWakes({ ...options, name: `nautilus-${name}-log-sub`, onChange });
  }

  /** Whether both connections answer. */
  get connected(): boolean {
    return this.#calls.connected && this.#wakes.connected;
  }

  /**
   * As the port says. When Redis lost the whole stream while this client knew it, the answer is 0 once, so that the caller sends
   * what it still has from its oldest event on; the next append then begins anywhere.
   */
  async append(
    stream: StreamId,
    generation: string,
    first: number,
    payloads: readonly string[],
  ): Promise<number> {
    checkAppend(generation, first, payloads);
    const head = this.#head(stream);
    const before = this.#tails.get(head);
    const work = async () => {
      await before?.catch(() => {});
      return this.#appendNow(stream.topic, head, generation, first, payloads);
    };
    const sent = work();
    this.#tails.set(head, sent);
    try {
      return await sent;
    } finally {
      if (this.#tails.get(head) === sent) this.#tails.delete(head);
    }
  }

  async bounds(stream: StreamId): Promise<LogBounds> {
    const head = this.#head(stream);
    const found = (await this.#calls.run(BOUNDS, [head], [])) as [string, string, string];
    const [generation, first, last] = [found[0], Number(found[1]), Number(found[2])];
    const known = this.#known.get(head);
    // Never less than before: whoever only looks must not hide from the next append that Redis lost something.
    if (generation !== '' && !(known?.generation === generation && known.last > last))
      this.#known.set(head, { generation, last });
    return { generation, first, last };
  }

  async read(places: readonly LogPlace[], { maxEvents, waitMs, signal }: ReadOptions): Promise<LogBatch[]> {
    if (!this.connected)
      throw new DependencyUnavailableError('The event log is away: no connection to Redis');
    if (places.length === 0 || signal?.aborted) return [];
    if (!(waitMs > 0)) return this.#readNow(places, maxEvents);
    const deadline = performance.now() + waitMs;
    const channels = places.map((place) => channelOf(this.#head(place)));
    await this.#wakes.listen(channels);
    let wake = this.#wakes.begin(channels);
    try {
      for (let look = places; ; ) {
        const batches = await this.#readNow(look, maxEvents);
        const left = deadline - performance.now();
        if (batches.length > 0 || left <= 0 || signal?.aborted) return batches;
        await wake.wait(Math.min(left, LOOK_MS), signal);
        if (signal?.aborted) return [];
        const rung = wake.take();
        look = rung.size > 0 && !wake.lost ? places.filter((_, i) => rung.has(channels[i]!)) : places;
        if (!wake.lost) continue;
        wake.end();
        await this.#wakes.listen(channels);
        wake = this.#wakes.begin(channels);
      }
    } finally {
      wake.end();
    }
  }

  async trim(stream: StreamId, position: number): Promise<void> {
    const id = `${position}`;
    while (((await this.#calls.run(TRIM, [this.#head(stream)], [id])) as number) > 0);
  }

  async close(): Promise<void> {
    this.#calls.close();
    this.#wakes.close();
  }

  async #appendNow(
    topic: string,
    head: string,
    generation: string,
    first: number,
    payloads: readonly string[],
  ): Promise<number> {
    const { maxEvents, maxAgeMs } = this.#options.retention?.(topic) ?? DEFAULT_RETENTION;
    const keys = [head, `${head}:${generation}`, `${head}#marks`];
    for (let from = 0; ; ) {
      const to = chunkEnd(payloads, from);
      const memory = this.#known.get(head);
      const known = memory?.generation === generation ? memory.last : 0;
      const args = [generation, first + from, known, finite(maxEvents), finite(maxAgeMs), channelOf(head)];
      const last = (await this.#calls.run(APPEND, keys, [...args, ...payloads.slice(from, to)])) as number;
      if (last < 0) throw new ConflictError('The stream belongs to a newer database of its owner');
      this.#known.set(head, { generation, last });
      if (to === payloads.length || last < first + to - 1) return last;
      from = to;
    }
  }

  async #readNow(places: readonly LogPlace[], most: number): Promise<LogBatch[]> {
    const bounds = [Math.max(1, Math.floor(most)), Math.floor(READ_BYTES / places.length)];
    const heads = places.map((place) => this.#head(place));
    const read = async (group: readonly number[]): Promise<LogBatch[]> => {
      const where = group.flatMap((i) => [places[i]!.generation, places[i]!.position]);
      const keys = group.map((i) => heads[i]!);
      const found = (await this.#calls.run(READ, keys, [...bounds, ...where])) as Found[];
      return found.map(([index, generation, first, ...payloads]) => {
        const { topic, partition } = places[group[index]!]!;
        const events = payloads.map((payload, i) => ({ position: Number(first) + i, payload }));
        return { topic, partition, generation, events };
      });
    };
    return (await Promise.all(this.#calls.groups(heads).map(read))).flat();
  }

  #tell(reason: string): void {
    const { connected } = this;
    if (connected === this.#told) return;
    this.#told = connected;
    this.#options.onChange?.(connected, reason);
  }

  // The part in braces keeps all keys of a stream on one node.
  #head({ topic, partition }: StreamId): string {
    return `${this.#options.settings.prefix}log:{${topic}:${partition}}`;
  }
}

// Outside of the prefix: what is published below it is taken for messages between the engines.
function channelOf(head: string): string {
  return `wake:${head}`;
}

function finite(bound: number): number {
  return Number.isFinite(bound) ? Math.max(1, Math.floor(bound)) : 0;
}

function chunkEnd(payloads: readonly string[], from: number): number {
  let chars = payloads[from]!.length;
  let to = from + 1;
  while (to < payloads.length && to - from < CHUNK_EVENTS) {
    chars += payloads[to]!.length;
    if (chars > CHUNK_CHARS) break;
    to++;
  }
  return to;
}
