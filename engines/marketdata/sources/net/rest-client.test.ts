// The REST client against a local server: retries, limits, time, size, and errors that hold no secret.
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  DependencyUnavailableError,
  ProviderError,
  type TooManyRequestsError,
} from '../../../../src/core/errors.ts';
import { ManualTime } from '../../../../src/core/timers.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { RateLimiter } from './rate-limiter.ts';
import { RestClient, type RestOptions } from './rest-client.ts';

let answers: (() => Response | Promise<Response>)[] = [];
let asked: string[] = [];
const server = Bun.serve({
  port: 0,
  fetch(request) {
    asked.push(request.url.slice(request.url.indexOf('/', 8)));
    return answers.shift()?.() ?? Response.json({ fine: true });
  },
});
afterAll(() => server.stop(true));

let time = new ManualTime();
beforeEach(() => {
  answers = [];
  asked = [];
  time = new ManualTime(1_700_000_000_000_000);
});

function client(options: Partial<RestOptions> = {}): RestClient {
  return new RestClient({
    provider: 'Venue',
    base: `http://127.0.0.1:${server.port}`,
    clock: time,
    timers: time,
    random: () => 0.5,
    ...options,
  });
}

/** Waits in real time until `count` requests came and the next wait began, then moves past it. */
async function past(count: number): Promise<number> {
  // The time limit of a try is a timer too, but longer than any wait here.
  await eventually(() => asked.length === count && time.nextMs !== null && time.nextMs < 15_000, 'a wait');
  const waited = time.nextMs!;
  time.advance(waited);
  return waited;
}

describe('the REST client', () => {
  test('asks with query and headers, and reads long numbers whole', async () => {
    answers = [() => new Response('{"id":12345678901234567890}')];
    const body = await client().json('/v1/x', { query: { a: 1, b: 'c d', none: undefined } });
    expect([body, asked]).toEqual([{ id: '12345678901234567890' }, ['/v1/x?a=1&b=c+d']]);
  });

  test('tries again after 5xx and lost connections with back-off, then says who did not answer', async () => {
    answers = Array.from({ length: 3 }, () => () => new Response('sorry', { status: 503 }));
    const reply = client({ retries: 2 }).json('/v1/x?key=no');
    const failed = reply.catch((error: unknown) => error);
    expect([await past(1), await past(2)]).toEqual([275, 525]);
    expect(await failed).toBeInstanceOf(DependencyUnavailableError);
    expect(((await failed) as Error).message).toBe(
      'Expected an answer from Venue for /v1/x?key=no, was none: status 503: sorry',
    );
    const away = client({ base: 'http://127.0.0.1:1', retries: 0 }).json('/v1/x', {
      query: { apikey: 'hush' },
    });
    const error = (await away.catch((e: unknown) => e)) as Error;
    expect(error).toBeInstanceOf(DependencyUnavailableError);
    expect(error.message).not.toContain('hush');
  });

  test('heeds Retry-After of a 429 in seconds or as a date, and holds all other requests as long', async () => {
    const told: number[] = [];
    const limiter = new RateLimiter({
      burst: 5,
      perSecond: 5,
      clock: time,
      timers: time,
      onWait: (ms) => told.push(ms),
    });
    const date = new Date(1_700_000_009_000).toUTCString();
    answers = [
      () => new Response('slow down', { status: 429, headers: { 'retry-after': '7' } }),
      () => new Response('slow down', { status: 429, headers: { 'retry-after': date } }),
    ];
    const reply = client({ limiter }).json('/v1/x');
    expect(await past(1)).toBe(7000);
    const other = client({ limiter }).json('/v1/y');
    expect(await past(3)).toBe(2000);
    expect(await Promise.all([reply, other])).toEqual([{ fine: true }, { fine: true }]);
    expect(told.slice(0, 2)).toEqual([7000, 2000]);
    answers = ['0', ''].map(
      (after) => () => new Response('', { status: 429, headers: { 'retry-after': after } }),
    );
    const again = client().json('/v1/x');
    expect([await past(5), await past(6)]).toEqual([275, 525]);
    await again;
  });

  test('gives a wait of more than two minutes to its caller, and asks nothing more until it is nearly over', async () => {
    const limiter = new RateLimiter({ burst: 5, perSecond: 5, clock: time, timers: time });
    answers = [() => new Response('banned', { status: 418, headers: { 'retry-after': '600' } })];
    const refused = async () =>
      (
        (await client({ limiter })
          .json('/v1/x')
          .catch((e: unknown) => e)) as TooManyRequestsError
      ).extras.retry_after_s;
    expect(await refused()).toBe(600);
    time.advance(100_000);
    expect([await refused(), asked.length]).toEqual([500, 1]);
    time.advance(380_000);
    const later = client({ limiter }).json('/v1/x');
    time.advance(120_000);
    expect(await later).toEqual({ fine: true });
    answers = [() => new Response('closed', { status: 503, headers: { 'retry-after': '600' } })];
    const away = await client()
      .json('/v1/x')
      .catch((e: unknown) => e as DependencyUnavailableError);
    expect(away).toBeInstanceOf(DependencyUnavailableError);
    expect((away as DependencyUnavailableError).extras.retry_after_s).toBe(600);
  });

  test('does not repeat what was refused, names provider and status, and keeps secrets out', async () => {
    answers = [() => new Response('{"msg":"bad key s3cr3t-key"}', { status: 401 })];
    const error = await client({ secrets: ['s3cr3t-key'] })
      .json('/v1/x', { query: { apikey: 's3cr3t-key' } })
      .catch((e: unknown) => e as ProviderError);
    expect(error).toBeInstanceOf(ProviderError);
    expect((error as ProviderError).message).toBe(
      'Expected an answer from Venue for /v1/x, was refused: {"msg":"bad key [redacted]"}',
    );
    expect((error as ProviderError).extras).toEqual({ provider: 'Venue', provider_status: 401 });
    expect(asked).toHaveLength(1);
  });

  test('takes an error in a body of status 200 for what it is', async () => {
    const refusal = (body: unknown) => {
      const { note, error } = body as { note?: string; error?: string };
      return note ? { reason: note, limited: true } : error ? { reason: error } : null;
    };
    answers = [
      () => Response.json({ note: 'five calls a minute' }),
      () => Response.json({ error: 'no such pair' }),
    ];
    const reply = client({ refusal })
      .json('/v1/x')
      .catch((e: unknown) => e);
    await past(1);
    expect(((await reply) as Error).message).toContain('was refused: no such pair');
  });

  test('refuses what is too large, no JSON, or a redirect', async () => {
    answers = [
      () => new Response('x'.repeat(5000)),
      () => new Response('<html>'),
      () => new Response(null, { status: 302, headers: { location: 'http://127.0.0.1:1/' } }),
    ];
    const refused = client({ maxBytes: 1000 });
    const messages = [];
    for (let n = 0; n < 3; n++)
      messages.push(await refused.json('/x').catch((e: ProviderError) => e.message));
    expect(messages).toEqual([
      'Expected at most 1000 bytes from Venue for /x, was more',
      'Expected JSON from Venue for /x, was: <html>',
      'Expected an answer from Venue for /x, was refused: ',
    ]);
  });

  test('gives up a try at its time limit, and everything when it is told to', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answers = [() => promise.then(() => new Response())];
    const reply = client({ timeoutMs: 4000, retries: 0 })
      .json('/x')
      .catch((e: Error) => e);
    await eventually(() => asked.length === 1, 'the request');
    time.advance(4000);
    expect(((await reply) as Error).message).toContain('no answer within 4000 ms');
    const stop = new AbortController();
    answers = [() => promise.then(() => new Response())];
    const stopped = client().json('/x', { signal: stop.signal });
    await eventually(() => asked.length === 2, 'the request');
    stop.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    resolve();
    expect(time.waiting).toBe(0);
  });
});
