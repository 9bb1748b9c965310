// What the routes say was known at a time, from what the providers say: never more than that, whatever was revised later.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DAY_US, dayText, parseDay, Zone } from '../../../src/market/sessions/days.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { ingested } from '../../../test/support/ingest.ts';
import { Provider } from '../../../test/support/provider.ts';
import marketdata from '../index.ts';

const chicago = new Zone('America/Chicago');
const newYork = new Zone('America/New_York');
const day = (date: string) => parseDay(date)!;

/** Values of a series by date, each with the day of its publication; the last quarter is far from the others, and has no value at first. */
const REVISIONS: readonly (readonly [date: string, published: string, value: number | null])[] = [
  ['2019-10-01', '2020-01-30', 21_729],
  ['2019-10-01', '2020-03-26', 21_747],
  ['2020-01-01', '2020-04-29', 21_537],
  ['2020-01-01', '2020-05-28', 21_534],
  ['2019-10-01', '2020-07-30', 21_706],
  ['2020-01-01', '2020-07-30', 21_561],
  ['2020-04-01', '2020-07-30', 19_409],
  ['2020-04-01', '2020-08-27', 19_486],
  ['1947-01-01', '2020-08-27', 243],
  ['2020-07-01', '2020-08-27', null],
  ['2020-07-01', '2020-10-29', 21_157],
];

const tomorrow = dayText(newYork.localDay(Date.now() * 1000) + 1);

/** Figures as company facts have them; the third filing repeats one figure in two frames and restates another. */
const FILED = [
  { end: '2021-12-31', val: 100, accn: 'a-1', form: '10-K', filed: '2022-02-10', frame: 'CY2021' },
  { end: '2021-12-31', val: 90, accn: 'a-2', form: '10-K/A', filed: '2022-05-02' },
  { end: '2021-12-31', val: 90, accn: 'a-3', form: '10-K', filed: '2023-02-09' },
  { end: '2022-12-31', val: 120, accn: 'a-3', form: '10-K', filed: '2023-02-09' },
  { end: '2022-12-31', val: 120, accn: 'a-3', form: '10-K', filed: '2023-02-09', frame: 'CY2022' },
  { end: '2023-12-31', val: 7, accn: 'a-4', form: '10-K', filed: tomorrow },
].map((row) => ({ start: `${row.end.slice(0, 4)}-01-01`, fy: 2022, fp: 'FY', ...row }));

function fred(url: URL): Response {
  if (url.pathname === '/series/vintagedates') {
    const vintages = [...new Set(REVISIONS.map(([, published]) => published))].sort();
    return Response.json({ count: vintages.length, vintage_dates: vintages });
  }
  const observations = REVISIONS.map(([date, published, value]) => ({
    date,
    realtime_start: published,
    realtime_end: '9999-12-31',
    value: value === null ? '.' : String(value),
  }));
  return Response.json({ count: observations.length, observations });
}

function sec(): Response {
  const units = { USD: FILED, EUR: [{ ...FILED[0], val: 88 }] };
  return Response.json({ facts: { 'us-gaap': { Revenues: { units } } } });
}

let engine: TestEngine;
const providers = [new Provider(fred), new Provider(sec)] as const;
const names = ['FRED_API_KEY', 'SEC_EDGAR_USER_AGENT'] as const;

beforeAll(async () => {
  engine = await TestEngine.start(marketdata);
  for (const [i, name] of names.entries()) {
    const path = join(engine.dataDir, name);
    writeFileSync(path, 'Example Research research@example.org\n');
    chmodSync(path, 0o600);
    process.env[`${name}_FILE`] = path;
    const source = ['fred', 'edgar'][i]!;
    await engine.send('PUT', `/sources/${source}`, { endpoints: { rest: providers[i]!.base } });
  }
  const range = { from_us: day('1900-01-01') * DAY_US, to_us: day('2100-01-01') * DAY_US };
  await ingested(engine, 'fred', { ...range, symbol: 'GDP', kind: 'macro' });
  const facts = { ...range, symbol: 'ACME', native_symbol: 'CIK0000000001', kind: 'fundamentals' };
  expect(await ingested(engine, 'edgar', facts)).toMatchObject({ records: 7, quarantined: 0 });
});

afterAll(async () => {
  for (const name of names) delete process.env[`${name}_FILE`];
  await engine.stop();
  for (const provider of providers) await provider[Symbol.asyncDispose]();
});

/** Of each key the last of those that were known at a time. */
function known<T>(
  all: readonly T[],
  knownUs: (one: T) => number,
  key: (one: T) => string,
  atUs: number,
): T[] {
  const last = new Map<string, T>();
  for (const one of all.toSorted((a, b) => knownUs(a) - knownUs(b)))
    if (knownUs(one) <= atUs) last.set(key(one), one);
  return [...last.values()];
}

test('an economic series has at any time the values that were published by the end of the day before', async () => {
  const since = (published: string) => chicago.utc(day(published) + 1, 0);
  const times = REVISIONS.flatMap(([, published]) => [since(published) - 1, since(published)]);
  for (const atUs of new Set(times)) {
    const { points } = (await engine.get(`/macro/GDP?as_of_us=${atUs}`)).body;
    const found = points.map((p: Record<string, number>) => [p.ts_event_us, p.value, p.as_of_us]);
    const expected = known(
      REVISIONS,
      ([, published]) => since(published),
      ([date]) => date,
      atUs,
    ).map(([date, published, value]) => [day(date) * DAY_US, value, since(published)]);
    expect(found).toEqual(expected.sort((a, b) => a[0]! - b[0]!));
  }
  expect((await engine.get('/macro/GDP')).body.points).toHaveLength(5);
});

test('figures are at any time those that were filed by the end of the day before; what is filed tomorrow is not known now', async () => {
  const since = (filed: string) => newYork.utc(day(filed) + 1, 0);
  const at = async (query: string) => {
    const { facts } = (await engine.get(`/fundamentals/ACME?concept=us-gaap/Revenues${query}`)).body;
    return facts
      .filter((fact: { unit: string }) => fact.unit === 'USD')
      .map((fact: Record<string, unknown>) => [
        fact.period_end_us,
        fact.value,
        fact.accession,
        fact.as_of_us,
      ]);
  };
  const model = (atUs: number) =>
    known(
      FILED,
      ({ filed }) => since(filed),
      ({ end }) => end,
      atUs,
    )
      .map(({ end, val, accn, filed }) => [day(end) * DAY_US, val, accn, since(filed)])
      .sort((a, b) => Number(a[0]) - Number(b[0]));
  const times = FILED.flatMap(({ filed }) => [since(filed) - 1, since(filed)]);
  for (const atUs of new Set(times)) expect(await at(`&as_of_us=${atUs}`)).toEqual(model(atUs));
  expect(await at('')).toEqual(model(since(tomorrow) - 1));
  // One that differs by its unit is another figure.
  const { facts } = (await engine.get('/fundamentals/ACME')).body;
  expect(facts.filter((fact: { unit: string }) => fact.unit === 'EUR')).toMatchObject([{ value: 88 }]);
});
