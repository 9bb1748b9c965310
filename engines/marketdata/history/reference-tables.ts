// Tables of what changes seldom: economic series, fundamentals, corporate actions, instruments.
import type { InstrumentRecord, RecordOf } from '../../../src/market/records.ts';
import { big, double, type KindTable, numberOrNull, scaleOf, text } from './columns.ts';

const macro: KindTable<RecordOf<'macro'>> = {
  name: 'macro',
  columns: [double('value', (r) => r.value), big('as_of_us', (r) => r.asOfUs)],
  key: ['ts_event_us', 'as_of_us'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'macro',
    value: numberOrNull(row, 'value'),
    asOfUs: row['as_of_us'] as number,
  }),
};

const fundamental: KindTable<RecordOf<'fundamental'>> = {
  name: 'fundamentals',
  columns: [
    text('concept', (r) => r.concept),
    text('unit_of_value', (r) => r.unit),
    double('value', (r) => r.value),
    big('period_start_us', (r) => r.periodStartUs),
    big('period_end_us', (r) => r.periodEndUs),
    big('as_of_us', (r) => r.asOfUs),
    text('form', (r) => r.form),
    text('accession', (r) => r.accession),
  ],
  key: ['concept', 'unit_of_value', 'period_start_us', 'period_end_us', 'as_of_us', 'accession'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'fundamental',
    concept: row['concept'] as string,
    unit: row['unit_of_value'] as string,
    value: row['value'] as number,
    periodStartUs: numberOrNull(row, 'period_start_us'),
    periodEndUs: row['period_end_us'] as number,
    asOfUs: row['as_of_us'] as number,
    form: row['form'] as string,
    accession: row['accession'] as string,
  }),
};

const corporateAction: KindTable<RecordOf<'corporate_action'>> = {
  name: 'corporate_actions',
  columns: [
    text('action', (r) => r.action),
    double('ratio', (r) => r.ratio),
    double('amount', (r) => r.amount),
    text('renamed_to', (r) => r.renamedTo),
  ],
  key: ['ts_event_us', 'action'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'corporate_action',
    action: row['action'] as 'split' | 'dividend' | 'rename',
    ratio: numberOrNull(row, 'ratio'),
    amount: numberOrNull(row, 'amount'),
    renamedTo: row['renamed_to'] as string | null,
  }),
};

const instrument: KindTable<InstrumentRecord> = {
  name: 'instruments',
  columns: [
    text('native_symbol', (r) => r.nativeSymbol),
    text('venue', (r) => r.venue),
    text('asset_class', (r) => r.assetClass),
    text('base', (r) => r.base),
    text('quote', (r) => r.quote),
    text('tick_size', (r) => r.tickSize),
    text('lot_size', (r) => r.lotSize),
    text('status', (r) => r.status),
  ],
  // A description is valid from its time to that of the next one.
  key: ['ts_event_us'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'instrument',
    nativeSymbol: row['native_symbol'] as string,
    venue: row['venue'] as string,
    assetClass: row['asset_class'] as InstrumentRecord['assetClass'],
    base: row['base'] as string | null,
    quote: row['quote'] as string | null,
    scale: scaleOf(row),
    tickSize: row['tick_size'] as string | null,
    lotSize: row['lot_size'] as string | null,
    status: row['status'] as InstrumentRecord['status'],
  }),
};

/** Their tables by kind. */
export const REFERENCE_TABLES = { macro, fundamental, corporate_action: corporateAction, instrument };
