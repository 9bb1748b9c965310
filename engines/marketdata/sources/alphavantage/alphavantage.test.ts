import { expect, test } from 'bun:test';
import { ManualClock } from '../../../../src/core/clock.ts';
import type { BarRecord, CorporateAction } from '../../../../src/market/records.ts';
import { DAY_US, MINUTE_US, parseDay } from '../../../../src/market/sessions/days.ts';
import { Provider, readAll, testContext, withoutWaits } from '../../../../test/support/provider.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import recorded from './fixtures/series.json' with { type: 'json' };
import { alphavantage } from './index.ts';

const KEY = 'D3M0KEY0123456789';

function us(date: string): number {
  return parseDay(date)! * DAY_US;
}

function request(more: Partial<HistoryRequest>): HistoryRequest {
  return {
    kind: 'bar',
    symbol: 'IBM',
    fromUs: us('2000-01-01'),
    toUs: us('2024-03-31'),
    intervalUs: DAY_US,
    ...more,
  };
}

function context(base: string, more: Partial<SourceContext> = {}) {
  const quick = withoutWaits(us('2024-03-13'));
  return testContext({ rest: base }, { ALPHAVANTAGE_API_KEY: KEY }, { ...quick, ...more });
}

test('daily bars are as traded, oldest first, at midnight of their date', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  const bars = await readAll<BarRecord>(alphavantage(context(server.base)), request({}));
  expect(bars).toMatchObject([
    { tsEventUs: us('2024-03-08'), open: 196.06, high: 197.77, low: 194.38, close: 195.95, volume: 3944977 },
    { tsEventUs: us('2024-03-11'), close: 191.73, adjusted: [], interval: DAY_US, unit: 'time' },
  ]);
  const asked = server.requests[0]!.url.searchParams;
  expect([asked.get('function'), asked.get('outputsize')]).toEqual(['TIME_SERIES_DAILY', 'full']);
  await readAll(alphavantage(context(server.base)), request({ fromUs: us('2024-03-01') }));
  expect(server.requests[1]!.url.searchParams.get('outputsize')).toBe('compact');
});

test('a day that still runs in New York is no bar yet', async () => {
  await using server = new Provider(() => Response.json(recorded.daily));
  const days = async (now: string) => {
    const given = context(server.base, { clock: new ManualClock(Date.parse(now) * 1000) });
    const bars = await readAll<BarRecord>(alphavantage(given), request({}));
    return [bars.length, given.lines.join().includes('"not finished":1')];
  };
  // 23:59 and midnight of 11 March in New York, four hours behind UTC.
  expect(await days('2024-03-12T03:59:00Z')).toEqual([1, true]);
  expect(await days('2024-03-12T04:00:00Z')).toEqual([2, false]);
});

test('an hour that is not over is no bar yet', async () => {
  await using server = new Provider(() => Response.json(recorded.intraday));
  const bars = async (now: string) => {
    const clock = new ManualClock(Date.parse(now) * 1000);
    const range = { intervalUs: 60 * MINUTE_US, fromUs: us('2024-03-08'), toUs: us('2024-03-31') };
    return (await readAll<BarRecord>(alphavantage(context(server.base, { clock })), request(range))).length;
  };
  expect([await bars('2024-03-11T13:59:59Z'), await bars('2024-03-11T14:00:00Z')]).toEqual([1, 2]);
});

test('intraday bars are asked for by month and follow the clocks of New York', async () => {
  await using server = new Provider((url) =>
    Response.json(
      url.searchParams.get('month') === '2024-03'
        ? recorded.intraday
        : { ...recorded.intraday, 'Time Series (60min)': {} },
    ),
  );
  const bars = await readAll<BarRecord>(
    alphavantage(context(server.base)),
    request({ intervalUs: 60 * MINUTE_US, fromUs: us('2023-12-15'), toUs: us('2030-01-01') }),
  );
  const asked = server.requests.map(({ url }) => url.searchParams);
  expect(asked.map((query) => query.get('month'))).toEqual(['2023-12', '2024-01', '2024-02', '2024-03']);
  expect(asked[0]!.get('adjusted')).toBe('false');
  // Summer time began on 10 March: five hours behind UTC on the 8th, four on the 11th.
  expect(bars.map(({ tsEventUs }) => new Date(tsEventUs / 1000).toISOString())).toEqual([
    '2024-03-09T00:00:00.000Z',
    '2024-03-11T13:00:00.000Z',
  ]);
});

test('splits and dividends come out of the adjusted series', async () => {
  await using server = new Provider(() => Response.json(recorded.adjusted));
  const source = alphavantage(context(server.base));
  const actions = await readAll<CorporateAction>(
    source,
    request({ kind: 'corporate_action', symbol: 'AAPL', intervalUs: undefined }),
  );
  expect(actions).toMatchObject([
    { action: 'dividend', amount: 0.82, ratio: null, tsEventUs: us('2020-08-07') },
    { action: 'split', ratio: 4, amount: null, tsEventUs: us('2020-08-31') },
  ]);
});

test('what is refused with status 200 is an error that says why and holds no key', async () => {
  for (const [name, body] of Object.entries(recorded.refusals)) {
    const text = JSON.stringify(body).replace('{key}', KEY);
    await using server = new Provider(() => new Response(text));
    const given = context(server.base);
    const error = await readAll(alphavantage(given), request({})).catch((thrown) => thrown);
    expect([name, error.slug]).toEqual([
      name,
      name.startsWith('burst') ? 'too-many-requests' : 'provider-error',
    ]);
    // Only the limit of a minute may pass by waiting.
    expect(server.requests.length).toBe(name.startsWith('burst') ? 5 : 1);
    expect(JSON.stringify([error.message, error.stack, error.extras, given.lines])).not.toContain(KEY);
    if (name === 'daily_limit') expect(error.message).toContain('25 requests per day');
  }
});

test('an interval that it does not have and a missing key are refused before anything is asked', async () => {
  await using server = new Provider(() => Response.json({}));
  const { signal } = new AbortController();
  const source = alphavantage(context(server.base));
  expect(() => source.history!(request({ intervalUs: 7 * MINUTE_US }), signal)).toThrow('interval_us');
  expect(() => source.history!(request({ kind: 'trade' }), signal)).toThrow('bar, corporate_action');
  expect(() => alphavantage(testContext({})).history!(request({}), signal)).toThrow('ALPHAVANTAGE_API_KEY');
  expect(server.requests).toHaveLength(0);
});

test('an answer that is no time series is an error, not an empty history', async () => {
  await using server = new Provider(() => Response.json({}));
  const refused = readAll(alphavantage(context(server.base)), request({}));
  await expect(refused).rejects.toMatchObject({ slug: 'provider-error' });
});
