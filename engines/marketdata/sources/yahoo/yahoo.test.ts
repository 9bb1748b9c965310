import { expect, test } from 'bun:test';
import { ManualClock } from '../../../../src/core/clock.ts';
import type { BarRecord, CorporateAction } from '../../../../src/market/records.ts';
import { DAY_US, MINUTE_US } from '../../../../src/market/sessions/days.ts';
import { Provider, readAll, testContext } from '../../../../test/support/provider.ts';
import type { HistoryRequest } from '../port.ts';
import recorded from './fixtures/chart.json' with { type: 'json' };
import { yahoo } from './index.ts';

function us(time: string): number {
  return Date.parse(time) * 1000;
}

function request(more: Partial<HistoryRequest> = {}): HistoryRequest {
  return {
    kind: 'bar',
    symbol: 'AAPL',
    fromUs: us('2020-08-01T00:00:00Z'),
    toUs: us('2020-12-31T00:00:00Z'),
    intervalUs: DAY_US,
    ...more,
  };
}

function context(base: string, now: string) {
  return testContext({ rest: base }, {}, { clock: new ManualClock(us(now)) });
}

test('days are at the open of their session, adjusted for splits; the running one comes when it is over', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  const running = context(server.base, '2020-09-01T19:00:00Z');
  const during = await readAll<BarRecord>(yahoo(running), request());
  expect(during.map(({ tsEventUs }) => tsEventUs)).toEqual([
    us('2020-08-07T13:30:00Z'),
    us('2020-08-31T13:30:00Z'),
  ]);
  expect(running.lines.join()).toContain('"reasons":{"no trade":1,"not finished":1}');
  const after = await readAll<BarRecord>(yahoo(context(server.base, '2020-09-01T21:00:00Z')), request());
  expect(after.at(-1)).toMatchObject({
    tsEventUs: us('2020-09-01T13:30:00Z'),
    open: 132.759995,
    close: 134.179993,
    volume: 151948100,
    adjusted: ['split'],
  });
  const asked = server.requests[0]!.url;
  expect(asked.pathname).toBe('/v8/finance/chart/AAPL');
  expect(server.requests[0]!.headers.get('user-agent')).toContain('yahoo-finance2');
  expect(Object.fromEntries(asked.searchParams)).toMatchObject({
    interval: '1d',
    includePrePost: 'false',
    period1: String(us('2020-08-01T00:00:00Z') / 1e6),
  });
});

test('the last trade is a row of its session also when the hours of the next one are told, beside or instead of its day', async () => {
  const body = structuredClone(recorded.daily);
  const { meta } = body.chart.result[0]!;
  // Early on 2 September: the hours are those of that day, the last row is still the trade at 16:00:01 of the day before.
  for (const hours of Object.values(meta.currentTradingPeriod)) {
    hours.start += 86_400;
    hours.end += 86_400;
  }
  await using server = new Provider(() => Response.json(body));
  const early = () => yahoo(context(server.base, '2020-09-02T08:00:00Z'));
  const last = { tsEventUs: us('2020-09-01T13:30:00Z'), close: 134.179993, volume: 151948100 };
  const bars = await readAll<BarRecord>(early(), request());
  expect(bars.map(({ tsEventUs }) => tsEventUs).slice(1)).toEqual([
    us('2020-08-31T13:30:00Z'),
    last.tsEventUs,
  ]);
  expect(bars.at(-1)).toMatchObject(last);
  // The day at its open as well, told before the volume of the closing auction was counted.
  const result = body.chart.result[0]!;
  const [quote] = result.indicators.quote;
  result.timestamp.splice(3, 0, last.tsEventUs / 1e6);
  for (const list of Object.values(quote!)) list.splice(3, 0, list[3]! - 0.25);
  result.indicators.adjclose[0]!.adjclose.splice(3, 0, 131.9);
  const both = await readAll<BarRecord>(early(), request());
  expect(both).toEqual(bars);
});

test('a time before 1970 is asked for once', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  await readAll(yahoo(context(server.base, '2020-09-02T08:00:00Z')), request({ fromUs: us('1962-01-02') }));
  expect(server.requests).toHaveLength(1);
});

test('the last price of a closed session is no bar, also at a whole minute', async () => {
  const body = structuredClone(recorded.daily);
  const result = body.chart.result[0]! as Record<string, unknown>;
  const close = us('2020-09-01T20:00:00Z') / 1e6;
  body.chart.result[0]!.meta.regularMarketTime = close;
  const ones = [1, 1];
  result.timestamp = [close - 60, close];
  result.events = undefined;
  result.indicators = { quote: [{ open: ones, high: ones, low: ones, close: ones, volume: ones }] };
  await using server = new Provider(() => Response.json(body));
  const source = yahoo(context(server.base, '2020-09-01T22:00:00Z'));
  const bars = await readAll<BarRecord>(source, request({ intervalUs: MINUTE_US, fromUs: us('2020-09-01') }));
  expect(bars.map(({ tsEventUs }) => tsEventUs)).toEqual([(close - 60) * 1e6]);
});

test('a dividend is what was paid for a share of its time, although later splits divide it at Yahoo', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  const actions = await readAll<CorporateAction>(
    yahoo(context(server.base, '2020-09-02T00:00:00Z')),
    request({ kind: 'corporate_action', toUs: us('2020-08-15T00:00:00Z') }),
  );
  // Apple paid 0.82 dollars a share before its split by four.
  expect(actions).toMatchObject([{ action: 'dividend', amount: 0.82, tsEventUs: us('2020-08-07') }]);
  // The split is after the asked range, but was asked for.
  expect(server.requests[0]!.url.searchParams.get('period2')).toBe(
    String(us('2020-09-02T00:00:00Z') / 1e6 + 1),
  );
});

test('minutes are asked for in ranges that Yahoo allows, and no bar comes twice', async () => {
  const startUs = us('2020-08-17T13:30:00Z');
  await using server = new Provider((url) => {
    const { period1, period2 } = Object.fromEntries(url.searchParams) as Record<string, string>;
    const result = structuredClone(recorded.daily.chart.result[0]!) as Record<string, unknown>;
    const seconds: number[] = [];
    // One bar a day, the first of its session, and the last price at an odd second.
    for (let at = startUs / 1e6; at < Number(period2); at += 86_400) {
      if (at >= Number(period1)) seconds.push(at);
    }
    seconds.push(Number(period2) - 30);
    const ones = seconds.map(() => 1);
    result.timestamp = seconds;
    result.events = undefined;
    result.indicators = { quote: [{ open: ones, high: ones, low: ones, close: ones, volume: ones }] };
    return Response.json({ chart: { result: [result], error: null } });
  });
  const toUs = startUs + 14 * DAY_US;
  const bars = await readAll<BarRecord>(
    yahoo(context(server.base, '2020-09-02T00:00:00Z')),
    request({ intervalUs: MINUTE_US, fromUs: startUs, toUs }),
  );
  expect(bars.map(({ tsEventUs }) => (tsEventUs - startUs) / DAY_US)).toEqual([...Array(15).keys()]);
  const spans = server.requests.map(({ url }) => {
    const { period1, period2 } = Object.fromEntries(url.searchParams);
    return Number(period2) - Number(period1);
  });
  expect(Math.max(...spans)).toBeLessThan(8 * 86_400);
});

test('what Yahoo refuses is told with its words', async () => {
  await using server = new Provider(() => Response.json(recorded.not_found, { status: 404 }));
  const error = await readAll(yahoo(context(server.base, '2020-09-02T00:00:00Z')), request()).catch(
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ slug: 'provider-error', extras: { provider_status: 404 } });
  expect(error.message).toContain('No data found, symbol may be delisted');
});

test('an answer that is no chart is an error of the provider', async () => {
  await using server = new Provider(() => Response.json({ chart: { result: [{ meta: {} }], error: null } }));
  const refused = readAll(yahoo(context(server.base, '2020-09-02T00:00:00Z')), request());
  await expect(refused).rejects.toMatchObject({ slug: 'provider-error' });
});

test('classes of shares have a dash at Yahoo, exchanges a dot, and a symbol cannot leave its place in the address', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  const source = yahoo(context(server.base, '2020-09-02T00:00:00Z'));
  expect(['brk.b', 'VOD.L', 'BTC-USD'].map(source.nativeSymbol)).toEqual(['BRK-B', 'VOD.L', 'BTC-USD']);
  await readAll(source, request({ nativeSymbol: '../../v1/test?x=' }));
  expect(server.requests[0]!.url.pathname).toBe('/v8/finance/chart/..%2F..%2Fv1%2Ftest%3Fx%3D');
  expect(() => source.history!(request({ intervalUs: 7 }), new AbortController().signal)).toThrow(
    'interval_us',
  );
});

test('a request that is given up ends at once, with the reason', async () => {
  const stop = new AbortController();
  await using server = new Provider(() => {
    stop.abort(new Error('not wanted any more'));
    return new Promise<Response>(() => {});
  });
  const source = yahoo(context(server.base, '2020-09-02T00:00:00Z'));
  await expect(readAll(source, request(), stop.signal)).rejects.toThrow('not wanted any more');
});
