// What SEC EDGAR answers (company facts, the list of tickers), as figures of companies with the day of their filing.
import type { Fundamental, InstrumentRecord } from '../../../../src/market/records.ts';
import { DAY_US, parseDay, type Zone } from '../../../../src/market/sessions/days.ts';
import { finite, objectOf, type SkippedRows } from '../skipped.ts';

/** A company with a ticker, as the list of the SEC has it. */
export interface Company {
  readonly ticker: string;
  readonly cik: number;
  readonly title: string;
}

/** Returns the companies of `company_tickers.json`, or null when the body is none. */
export function companiesOf(body: unknown, skipped: SkippedRows): Company[] | null {
  const rows = objectOf(body);
  if (!rows) return null;
  const companies: Company[] = [];
  for (const each of Object.values(rows)) {
    const row = objectOf(each);
    const cik = finite(row?.cik_str);
    if (cik === null || !Number.isSafeInteger(cik) || typeof row?.ticker !== 'string')
      skipped.skip('no company');
    else
      companies.push({
        ticker: row.ticker.toUpperCase(),
        cik,
        title: typeof row.title === 'string' ? row.title : '',
      });
  }
  return companies;
}

/** Returns the number of a company as EDGAR's addresses have it: ten digits after `CIK`. */
export function cikText(cik: number): string {
  return `CIK${String(cik).padStart(10, '0')}`;
}

/**
 * Returns every figure of a company-facts body, by the day of filing, or null when the body is none. A figure that several filings
 * repeat comes once for each: the first says since when it was known, the others whether it was restated. A filing has a date and no time,
 * so that its figures count as known from the end of that day in `zone` on.
 */
export function factsOf(
  symbol: string,
  body: unknown,
  zone: Zone,
  skipped: SkippedRows,
): Fundamental[] | null {
  const taxonomies = objectOf(objectOf(body)?.facts);
  if (!taxonomies) return null;
  const facts: Fundamental[] = [];
  for (const [taxonomy, concepts] of Object.entries(taxonomies)) {
    for (const [concept, described] of Object.entries(objectOf(concepts) ?? {})) {
      const units = objectOf(objectOf(described)?.units);
      if (!units) {
        skipped.skip('no units');
        continue;
      }
      for (const [unit, rows] of Object.entries(units)) {
        for (const row of Array.isArray(rows) ? rows : []) {
          const fact = factOf(symbol, `${taxonomy}/${concept}`, unit, row, zone);
          if (typeof fact === 'string') skipped.skip(fact);
          else facts.push(fact);
        }
      }
    }
  }
  return facts.sort((a, b) => a.asOfUs - b.asOfUs || a.periodEndUs - b.periodEndUs);
}

function factOf(
  symbol: string,
  concept: string,
  unit: string,
  value: unknown,
  zone: Zone,
): Fundamental | string {
  const row = objectOf(value);
  const number = finite(row?.val);
  const filed = dayIn(row?.filed);
  const end = dayIn(row?.end);
  const start = row?.start === undefined ? null : dayIn(row.start);
  if (number === null) return 'no number';
  if (filed === null || end === null || (start === null && row?.start !== undefined)) return 'no date';
  if (typeof row?.accn !== 'string' || typeof row.form !== 'string') return 'no filing';
  const asOfUs = zone.utc(filed + 1, 0);
  return {
    kind: 'fundamental',
    symbol,
    source: 'edgar',
    tsEventUs: asOfUs,
    tsReceiveUs: asOfUs,
    sequence: null,
    flags: 0,
    concept,
    unit,
    value: number,
    periodStartUs: start === null ? null : start * DAY_US,
    periodEndUs: end * DAY_US,
    asOfUs,
    form: row.form,
    accession: row.accn,
  };
}

function dayIn(value: unknown): number | null {
  return typeof value === 'string' ? parseDay(value) : null;
}

/** Returns a company as an instrument: a name and a number, since EDGAR knows neither prices nor where a share trades. */
export function instrumentOf(company: Company, nowUs: number): InstrumentRecord {
  return {
    kind: 'instrument',
    symbol: company.ticker,
    source: 'edgar',
    tsEventUs: nowUs,
    tsReceiveUs: nowUs,
    sequence: null,
    flags: 0,
    nativeSymbol: cikText(company.cik),
    venue: 'sec',
    assetClass: 'equity',
    base: null,
    quote: null,
    scale: UNPRICED,
    tickSize: null,
    lotSize: null,
    status: 'unknown',
  };
}

const UNPRICED = Object.freeze({ price: 0, size: 0 });
