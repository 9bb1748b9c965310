// The REST client of a source: at the address, by the clock and under the rate limit that its engine gives it.
import type { SourceContext } from '../port.ts';
import { type RateLimit, RateLimiter, requestLimiter } from './rate-limiter.ts';
import { RestClient, type RestOptions } from './rest-client.ts';

/** What a source says itself. `base` is the provider's own address; a limiter is given where it is shared or looked at. */
export type SourceRestOptions = Omit<RestOptions, 'clock' | 'timers' | 'random' | 'limiter'> & {
  readonly limit: RateLimit | RateLimiter;
};

/** Returns the client of a source. */
export function sourceRest(context: SourceContext, { limit, base, ...own }: SourceRestOptions): RestClient {
  const { clock, timers, random } = context;
  return new RestClient({
    ...own,
    base: context.endpoint('rest') ?? base,
    clock,
    timers,
    random: () => random(),
    limiter: limit instanceof RateLimiter ? limit : requestLimiter(context, limit),
  });
}
