import { expect, test } from 'bun:test';
import type { MacroPoint } from '../../../../src/market/records.ts';
import { DAY_US, dayText, parseDay, Zone } from '../../../../src/market/sessions/days.ts';
import { Provider, readAll, testContext } from '../../../../test/support/provider.ts';
import type { HistoryRequest } from '../port.ts';
import observations from './fixtures/observations.json' with { type: 'json' };
import { fred } from './index.ts';

const KEY = 'abcdefghijklmnopqrstuvwxyz123456';
const chicago = new Zone('America/Chicago');

function us(date: string): number {
  return parseDay(date)! * DAY_US;
}

function request(symbol: string, from = '1900-01-01', to = '2100-01-01'): HistoryRequest {
  return { kind: 'macro', symbol, fromUs: us(from), toUs: us(to) };
}

/** FRED over one series of revisions: answers as the documentation says, values dated into the asked period. */
function archive(rows: readonly { date: string; value: string; from: string }[], pageRows?: number) {
  const vintages = [...new Set(rows.map((row) => row.from))].sort();
  return (url: URL): Response => {
    const query = Object.fromEntries(url.searchParams);
    const { realtime_start: start, realtime_end: end, limit, offset } = query as Record<string, string>;
    const within = vintages.filter((day) => day >= start! && day <= end!);
    if (url.pathname === '/series/vintagedates') {
      const page = within.slice(Number(offset), Number(offset) + Number(limit));
      return Response.json({ count: within.length, offset, limit, vintage_dates: page });
    }
    if (within.length > 2000) {
      return Response.json(
        {
          error_code: 400,
          error_message: 'This exceeds the maximum number of vintage dates allowed (2000).',
        },
        { status: 400 },
      );
    }
    const shown: { realtime_start: string; realtime_end: string; date: string; value: string }[] = [];
    for (const row of rows) {
      const later = rows.filter((other) => other.date === row.date && other.from > row.from);
      const until = later.map((other) => other.from).sort()[0] ?? '9999-12-31';
      if (row.from > end! || until <= start!) continue;
      if (row.date < query.observation_start! || row.date > query.observation_end!) continue;
      const from = [row.from, start!].sort()[1]!;
      shown.push({ realtime_start: from, realtime_end: until, date: row.date, value: row.value });
    }
    shown.sort((a, b) => a.date.localeCompare(b.date) || a.realtime_start.localeCompare(b.realtime_start));
    const most = Math.min(Number(limit), pageRows ?? Number(limit));
    const page = shown.slice(Number(offset), Number(offset) + most);
    return Response.json({ count: shown.length, offset, limit: most, observations: page });
  };
}

test('every vintage of an observation is a point that counts as known from the end of its day on', async () => {
  await using server = new Provider((url) =>
    url.pathname === '/series/vintagedates'
      ? Response.json(observations.vintagedates)
      : Response.json(observations.observations),
  );
  const context = testContext({ rest: server.base }, { FRED_API_KEY: KEY });
  const points = await readAll<MacroPoint>(fred(context), request('GNPCA'));
  expect(points.map(({ tsEventUs, value, asOfUs }) => [dayText(tsEventUs / DAY_US), value, asOfUs])).toEqual([
    ['1929-01-01', null, chicago.utc(parseDay('1999-07-30')! + 1, 0)],
    ['1930-01-01', 949.5, chicago.utc(parseDay('1999-07-30')! + 1, 0)],
    ['1929-01-01', 1065.9, chicago.utc(parseDay('2009-07-31')! + 1, 0)],
    ['1929-01-01', 1202.659, chicago.utc(parseDay('2023-09-28')! + 1, 0)],
  ]);
  expect(points[0]).toMatchObject({ symbol: 'GNPCA', source: 'fred', kind: 'macro' });
  const asked = server.requests[1]!.url.searchParams;
  expect(asked.get('series_id')).toBe('GNPCA');
  expect(asked.get('file_type')).toBe('json');
  expect(asked.get('observation_start')).toBe('1900-01-01');
});

test('a series of more vintages than one request may cover is read in several, and nothing is dated to their borders', async () => {
  // 2,500 days that each bring an observation, and one revision of the first ten each 400 days.
  const first = parseDay('2010-01-01')!;
  const rows = Array.from({ length: 2500 }, (_, n) => ({
    date: dayText(first + n - 1),
    value: String(n),
    from: dayText(first + n),
  }));
  for (let n = 400; n < 2500; n += 400) {
    for (let at = 0; at < 10; at++)
      rows.push({ date: dayText(first + at - 1), value: `${at}.${n}`, from: dayText(first + n) });
  }
  await using server = new Provider(archive(rows, 1500));
  const points = await readAll<MacroPoint>(
    fred(testContext({ rest: server.base }, { FRED_API_KEY: KEY })),
    request('DGS10'),
  );
  const got = points.map((point) => `${point.tsEventUs} ${point.value} ${point.asOfUs}`).sort();
  const expected = rows
    .map((row) => `${us(row.date)} ${Number(row.value)} ${chicago.utc(parseDay(row.from)! + 1, 0)}`)
    .sort();
  expect(got).toEqual(expected);
  // Told in the order in which it became known.
  expect(points.every((point, at) => at === 0 || points[at - 1]!.asOfUs <= point.asOfUs)).toBeTrue();
});

test('a refusal of FRED is told with what it said and without the key', async () => {
  await using server = new Provider((url) =>
    Response.json(
      { error_code: 400, error_message: `Bad Request. The series does not exist. ${url.search}` },
      { status: 400 },
    ),
  );
  const context = testContext({ rest: server.base }, { FRED_API_KEY: KEY });
  const error = await readAll(fred(context), request('NONE')).catch((thrown) => thrown);
  expect(error).toMatchObject({ slug: 'provider-error', extras: { provider: 'FRED', provider_status: 400 } });
  expect(error.message).toContain('The series does not exist');
  expect(JSON.stringify([error.message, error.stack, error.extras, context.lines])).not.toContain(KEY);
});

test('a missing key is named before anything is asked', async () => {
  const context = testContext({});
  expect(() => fred(context).history!(request('DGS10'), new AbortController().signal)).toThrow(
    'Expected FRED_API_KEY',
  );
});

test('rows that are not as documented are left out and counted', async () => {
  await using server = new Provider((url) =>
    url.pathname === '/series/vintagedates'
      ? Response.json({ count: 1, vintage_dates: ['2020-01-02'] })
      : Response.json({
          count: 3,
          observations: [
            { realtime_start: '2020-01-02', date: '2020-01-01', value: 'n/a' },
            { realtime_start: '2020-01-02', date: 'soon', value: '1' },
            { realtime_start: '2020-01-02', date: '2020-01-01', value: '1.5' },
          ],
        }),
  );
  const context = testContext({ rest: server.base }, { FRED_API_KEY: KEY });
  expect(await readAll<MacroPoint>(fred(context), request('DGS10'))).toMatchObject([{ value: 1.5 }]);
  expect(context.lines.join()).toContain('"skipped":2');
});
