// Token buckets: how many requests a client may send, for a bounded number of clients.

const BURST_SECONDS = 2;
const MAX_CLIENTS = 10_000;

interface Bucket {
  tokens: number;
  /** When `tokens` was true, in milliseconds. */
  atMs: number;
}

/** What became of one request, and what is left. */
export interface Quota {
  readonly allowed: boolean;
  /** Requests that may come at once now. */
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly resetS: number;
  /** Seconds until one more request passes; 0 when one passes now. */
  readonly retryAfterS: number;
}

/**
 * Lets `rate` requests a second pass for each client, and `2 * rate` at once after a pause. Knows the 10,000 clients that
 * came last; one that is forgotten starts again with a full bucket.
 */
export class RateLimiter {
  readonly burst: number;
  readonly windowS = BURST_SECONDS;
  readonly #rate: number;
  readonly #maxClients: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: number, maxClients = MAX_CLIENTS) {
    this.#rate = rate;
    this.burst = rate * BURST_SECONDS;
    this.#maxClients = maxClients;
  }

  /** Clients that are known. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes one request of a client at a monotonic time in milliseconds. */
  take(client: string, nowMs: number): Quota {
    const bucket = this.#bucketOf(client, nowMs);
    bucket.tokens = Math.min(this.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * this.#rate);
    bucket.atMs = nowMs;
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    return {
      allowed,
      remaining: Math.floor(bucket.tokens),
      resetS: Math.ceil((this.burst - bucket.tokens) / this.#rate),
      retryAfterS: bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / this.#rate,
    };
  }

  // A map keeps the order of insertion: with each use a client moves to the end, so that the first is the longest silent.
  #bucketOf(client: string, nowMs: number): Bucket {
    const known = this.#buckets.get(client);
    if (known) this.#buckets.delete(client);
    else if (this.#buckets.size >= this.#maxClients) {
      this.#buckets.delete(this.#buckets.keys().next().value!);
    }
    const bucket = known ?? { tokens: this.burst, atMs: nowMs };
    this.#buckets.set(client, bucket);
    return bucket;
  }
}

/** Returns what counts as one client: an IPv4 address, or the /64 network of an IPv6 one, which a single host owns whole. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
