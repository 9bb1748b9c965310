import { expect, test } from 'bun:test';
import type { Fundamental, InstrumentRecord } from '../../../../src/market/records.ts';
import { DAY_US, parseDay, Zone } from '../../../../src/market/sessions/days.ts';
import { Provider, readAll, testContext } from '../../../../test/support/provider.ts';
import type { HistoryRequest } from '../port.ts';
import recorded from './fixtures/companyfacts.json' with { type: 'json' };
import { edgar } from './index.ts';

const AGENT = 'Example Research research@example.org';
const newYork = new Zone('America/New_York');

function us(date: string): number {
  return parseDay(date)! * DAY_US;
}

function request(symbol: string, from = '1990-01-01', to = '2100-01-01'): HistoryRequest {
  return { kind: 'fundamental', symbol, fromUs: us(from), toUs: us(to) };
}

function sec(): Provider {
  return new Provider(({ pathname }) => {
    if (pathname === '/files/company_tickers.json') return Response.json(recorded.company_tickers);
    if (pathname === '/api/xbrl/companyfacts/CIK0000320193.json') return Response.json(recorded.companyfacts);
    return new Response('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', { status: 404 });
  });
}

test('figures come by the day of filing, known from its end on, restatements beside what they restate', async () => {
  await using server = sec();
  const context = testContext({ rest: server.base }, { SEC_EDGAR_USER_AGENT: AGENT });
  const facts = await readAll<Fundamental>(edgar(context), request('AAPL'));
  expect(facts.map(({ concept, value, accession, form }) => [concept, value, form, accession])).toEqual([
    ['us-gaap/StockholdersEquity', 21_030_000_000, '10-Q', '0001193125-09-153165'],
    ['us-gaap/NetIncomeLoss', 4_834_000_000, '10-K', '0001193125-09-214859'],
    ['us-gaap/NetIncomeLoss', 5_704_000_000, '10-K', '0001193125-09-214859'],
    ['us-gaap/NetIncomeLoss', 6_119_000_000, '10-K/A', '0001193125-10-012091'],
    ['us-gaap/EarningsPerShareDiluted', 6.11, '10-K', '0000320193-22-000108'],
    ['dei/EntityCommonStockSharesOutstanding', 15_908_118_000, '10-K', '0000320193-22-000108'],
  ]);
  expect(facts[0]).toMatchObject({ periodStartUs: null, periodEndUs: us('2008-09-27'), unit: 'USD' });
  expect(facts[1]).toMatchObject({
    periodStartUs: us('2007-09-30'),
    asOfUs: newYork.utc(parseDay('2009-10-28')!, 0),
  });
  // Midnight in New York is 4 hours after midnight UTC in summer: nobody knew it at any time of the day of filing in UTC.
  expect(facts[0]!.asOfUs).toBe(us('2009-07-23') + 4 * 3_600_000_000);
  expect(context.lines.join()).toContain('"skipped":1');
  expect(server.requests.map(({ headers }) => headers.get('user-agent'))).toEqual([AGENT, AGENT]);
});

test('a range is one of filing days, the list of tickers is asked for once, and a CIK needs no list', async () => {
  await using server = sec();
  const source = edgar(testContext({ rest: server.base }, { SEC_EDGAR_USER_AGENT: AGENT }));
  const filed = await readAll<Fundamental>(source, request('AAPL', '2010-01-01', '2011-01-01'));
  expect(filed.map(({ form }) => form)).toEqual(['10-K/A']);
  await readAll(source, request('aapl'));
  await readAll(source, { ...request('AAPL'), nativeSymbol: 'CIK0000320193' });
  const paths = server.requests.map(({ url }) => url.pathname);
  expect(paths.filter((path) => path.startsWith('/files'))).toHaveLength(1);
  expect(paths.filter((path) => path.startsWith('/api'))).toHaveLength(3);
});

test('companies are instruments, and a class of shares is found by its dot or dash', async () => {
  await using server = sec();
  const source = edgar(testContext({ rest: server.base }, { SEC_EDGAR_USER_AGENT: AGENT }));
  const companies = await source.instruments!(new AbortController().signal);
  expect(companies.map(({ symbol, nativeSymbol }) => [symbol, nativeSymbol])).toEqual([
    ['AAPL', 'CIK0000320193'],
    ['BRK-B', 'CIK0001067983'],
  ]);
  expect(await readAll<InstrumentRecord>(source, { ...request('BRK.B'), kind: 'instrument' })).toMatchObject([
    { symbol: 'BRK.B', nativeSymbol: 'CIK0001067983', assetClass: 'equity' },
  ]);
  // Its facts are not there: a refusal of the SEC, not an empty answer.
  const refused = await readAll(source, request('BRK.B')).catch((thrown) => thrown);
  expect(refused).toMatchObject({ slug: 'provider-error', extras: { provider_status: 404 } });
  expect(server.requests.at(-1)!.url.pathname).toContain('CIK0001067983');
});

test('an unknown ticker is not found, another kind is refused, a contact is asked for', async () => {
  await using server = sec();
  const context = testContext({ rest: server.base }, { SEC_EDGAR_USER_AGENT: AGENT });
  const { signal } = new AbortController();
  await expect(readAll(edgar(context), request('NOPE'))).rejects.toMatchObject({ slug: 'not-found' });
  expect(() => edgar(context).history!({ ...request('AAPL'), kind: 'bar' }, signal)).toThrow(
    'Expected one of fundamental, instrument for kind',
  );
  expect(() => edgar(testContext({})).history!(request('AAPL'), signal)).toThrow(
    'Expected SEC_EDGAR_USER_AGENT',
  );
  const nobody = testContext({ rest: server.base }, { SEC_EDGAR_USER_AGENT: 'curl/8' });
  expect(() => edgar(nobody).history!(request('AAPL'), signal)).toThrow('a name and an e-mail address');
});
