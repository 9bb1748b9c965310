// What BullMQ does not know: jobs that somebody wants to end, and jobs that ended because somebody wanted it.
import type { BullClient } from './bull-connections.ts';
import { type JobRecord, RETENTION } from './record.ts';

/** Keeps both in Redis, under `prefix`. */
export class BullCancels {
  readonly #redis: BullClient;
  /** Ids of jobs that shall end. */
  readonly #wishes: string;
  /** Cancelled jobs by id. */
  readonly #records: string;
  /** Their ids by time. */
  readonly #times: string;

  constructor(redis: BullClient, prefix: string) {
    this.#redis = redis;
    this.#wishes = `${prefix}:cancel-wishes`;
    this.#records = `${prefix}:cancelled`;
    this.#times = `${prefix}:cancelled-at`;
  }

  async request(id: string): Promise<void> {
    await this.#redis.sadd(this.#wishes, id);
  }

  async withdraw(id: string): Promise<void> {
    await this.#redis.srem(this.#wishes, id);
  }

  async isRequested(id: string): Promise<boolean> {
    return (await this.#redis.sismember(this.#wishes, id)) === 1;
  }

  /** All ids that shall end. */
  requested(): Promise<string[]> {
    return this.#redis.smembers(this.#wishes);
  }

  /** Keeps a cancelled job, and forgets those that are too old or too many. */
  async end(job: JobRecord): Promise<void> {
    const now = Date.now();
    await this.#redis
      .multi()
      .hset(this.#records, job.id, JSON.stringify(job))
      .zadd(this.#times, now, job.id)
      .srem(this.#wishes, job.id)
      .exec();
    const [old, many] = await Promise.all([
      this.#redis.zrangebyscore(this.#times, 0, now - RETENTION.ageS * 1000, 'LIMIT', 0, 1000),
      this.#redis.zrange(this.#times, '0', String(-RETENTION.count - 1)),
    ]);
    const gone = [...new Set([...old, ...many])];
    if (gone.length === 0) return;
    await this.#redis
      .multi()
      .hdel(this.#records, ...gone)
      .zrem(this.#times, ...gone)
      .exec();
  }

  async get(id: string): Promise<JobRecord | null> {
    const text = await this.#redis.hget(this.#records, id);
    return text === null ? null : (JSON.parse(text) as JobRecord);
  }

  /** Every cancelled job. */
  async all(): Promise<JobRecord[]> {
    return (await this.#redis.hvals(this.#records)).map((text) => JSON.parse(text) as JobRecord);
  }
}
