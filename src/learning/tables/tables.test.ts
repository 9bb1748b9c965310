// Behaviour of tables: reading files, features that never look ahead, labels that know when they end.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  InsufficientHistoryError,
  InvalidOptionError,
  MalformedBodyError,
  TooLargeError,
} from '../../core/errors.ts';
import { turn } from '../../core/turn.ts';
import { computeFeatures, type FeatureSpec, featureSchema } from './features.ts';
import { type Frame, frameHash } from './frame.ts';
import { readFrameCsv } from './read-csv.ts';
import { computeTargets, type LabelSpec, targetSchema } from './target.ts';
import { trainingSet } from './training-set.ts';

const limits = { maxBytes: 2 ** 20, maxCells: 1000 };
async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
const read = (text: string, within = limits) => readFrameCsv(bytes(text), within);

describe('a CSV table', () => {
  test('lets others have a turn between parts of a large body, also of one that comes at once', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},1.23456789,2.3456789,3.456789`);
    const text = `ts,a,b,c\n${lines.join('\n')}\n`;
    let turns = 0;
    let isOver = false;
    const others = (async () => {
      for (; !isOver; turns++) await turn();
    })();
    const { frame } = await read(text, { maxBytes: 2 ** 20, maxCells: 1e6 });
    isOver = true;
    await others;
    expect(frame.rows).toBe(20_000);
    // One for each 64 KiB of text, at least.
    expect(turns).toBeGreaterThan(text.length / 65_536);
  });

  test('becomes columns in order of time, series by series, with missing values', async () => {
    const { frame, rejected } = await read(
      'Date,Ticker,Close,Volume\n2020-01-02,B,2.5,\n2020-01-01,B,2,7\n2020-01-02,A,1.5,NaN\n2020-01-01,A,1,5\n',
    );
    expect(frame.series).toEqual(['A', 'B']);
    expect([...frame.seriesOf]).toEqual([0, 1, 0, 1]);
    expect([...frame.columns.keys()]).toEqual(['close', 'volume']);
    expect([...frame.columns.get('close')!]).toEqual([1, 2, 1.5, 2.5]);
    expect([...frame.columns.get('volume')!]).toEqual([5, 7, Number.NaN, Number.NaN]);
    expect(frame.tsUs[2]! - frame.tsUs[0]!).toBe(86_400_000_000);
    expect(rejected).toEqual({});
  });

  test('counts every row that it refuses, with the line and the reason', async () => {
    const { frame, rejected, errors } = await read(
      'ts,x\n1600000000,1\n1600000000,2\nsoon,3\n1600000001,many\n1600000002\n',
    );
    expect(frame.rows).toBe(1);
    expect(rejected).toEqual({
      'time occurs twice': 1,
      'time not readable': 1,
      'x not a number': 1,
      'expected 2 fields': 1,
    });
    expect(errors[0]).toEqual({ line: 3, reason: 'time occurs twice' });
  });

  test.each([
    ['', MalformedBodyError, 'header line'],
    ['a,b\n1,2\n', MalformedBodyError, 'with a time'],
    ['ts,x,X\n1,2,3\n', InvalidOptionError, 'x twice'],
    ['ts\n1600000000\n', InvalidOptionError, 'columns of numbers'],
    ['ts,x\nsoon,1\n', MalformedBodyError, 'line 2: time not readable'],
  ])('%j is refused', async (text, type, words) => {
    const error = await read(text).catch((e) => e);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain(words);
  });

  test('has a limit of numbers', async () => {
    const body = bytes('ts,x\n1600000000,1\n1600000001,2\n');
    expect(await readFrameCsv(body, { ...limits, maxCells: 1 }).catch((e) => e)).toBeInstanceOf(
      TooLargeError,
    );
  });

  test('has one hash for equal data, whatever the order of its lines', async () => {
    const [a, b, c] = await Promise.all([
      read('ts,x\n1600000000,1\n1600000001,2\n'),
      read('ts,x\n1600000001,2\n1600000000,1.0\n'),
      read('ts,x\n1600000000,1\n1600000001,3\n'),
    ]);
    expect(await frameHash(a.frame)).toBe(await frameHash(b.frame));
    expect(await frameHash(a.frame)).not.toBe(await frameHash(c.frame));
  });
});

/** Two series of positive walks, some values missing. */
const frames = fc
  .array(fc.record({ step: fc.double({ min: -0.1, max: 0.1, noNaN: true }), missing: fc.nat(20) }), {
    minLength: 60,
    maxLength: 120,
  })
  .map((moves): Frame => {
    const rows = moves.length;
    const last = [100, 50];
    const close = new Float64Array(rows);
    for (const [row, { step, missing }] of moves.entries()) {
      last[row % 2]! *= Math.exp(step);
      close[row] = missing === 0 ? Number.NaN : last[row % 2]!;
    }
    const bars = ['open', 'high', 'low', 'close'].map((name) => [name, close] as const);
    return {
      rows,
      tsUs: Float64Array.from({ length: rows }, (_, row) => Math.floor(row / 2) * 1e6),
      series: ['A', 'B'],
      seriesOf: Uint32Array.from({ length: rows }, (_, row) => row % 2),
      columns: new Map(bars),
    };
  });

const head = (frame: Frame, rows: number): Frame => ({
  ...frame,
  rows,
  tsUs: frame.tsUs.slice(0, rows),
  seriesOf: frame.seriesOf.slice(0, rows),
  columns: new Map([...frame.columns].map(([name, values]) => [name, values.slice(0, rows)])),
});

const every: readonly FeatureSpec[] = [
  { kind: 'bars' },
  { kind: 'value', lag: 2 },
  { kind: 'value' },
  { kind: 'log_return', periods: 3 },
  { kind: 'volatility', window: 5 },
  { kind: 'z_score', window: 4 },
].map((spec) => featureSchema.parse(spec.kind === 'bars' ? spec : { column: 'close', ...spec }));

describe('features', () => {
  test('of a row are the same whatever comes after it', () => {
    fc.assert(
      fc.property(frames, fc.nat(59), (frame, cut) => {
        const whole = computeFeatures(frame, every);
        const part = computeFeatures(head(frame, cut + 1), every);
        expect([...part.values]).toEqual([...whole.values.slice(0, part.values.length)]);
      }),
      { numRuns: 20 },
    );
  });

  test('are what their formulas say', () => {
    const close = Float64Array.of(1, 2, 4, 3, 6);
    const frame: Frame = {
      rows: 5,
      tsUs: Float64Array.of(0, 1, 2, 3, 4),
      series: [''],
      seriesOf: new Uint32Array(5),
      columns: new Map([['close', close]]),
    };
    const specs = [
      featureSchema.parse({ kind: 'log_return', column: 'close' }),
      featureSchema.parse({ kind: 'z_score', column: 'close', window: 3 }),
      featureSchema.parse({ kind: 'volatility', column: 'close', window: 2 }),
    ];
    const { names, values } = computeFeatures(frame, specs);
    expect(names).toEqual(['close_log_return_1', 'close_z_score_3', 'close_volatility_2']);
    expect(values[4 * 3]).toBe(Math.log(2));
    // Mean 13/3 and sample deviation of 4, 3, 6.
    expect(values[4 * 3 + 1]).toBeCloseTo((6 - 13 / 3) / Math.sqrt(7 / 3), 12);
    expect(values[4 * 3 + 2]).toBeCloseTo(Math.abs(Math.log(2) - Math.log(3 / 4)) / Math.SQRT2, 12);
    expect(() => computeFeatures(frame, [featureSchema.parse({ kind: 'bars' })])).toThrow(
      'Expected a column of the data (close)',
    );
  });
});

describe('targets', () => {
  test('reach to the row that they compare with, within their own series', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 2, max: 6 }), (frame, horizon) => {
        const close = frame.columns.get('close')!;
        for (const kind of ['log_return', 'direction', 'volatility'] as const) {
          const target = computeTargets(frame, targetSchema.parse({ kind, horizon }) as LabelSpec);
          for (let row = 0; row < frame.rows; row++) {
            const later = row + 2 * horizon;
            if (later >= frame.rows) {
              expect(target.values[row]).toBeNaN();
              continue;
            }
            expect(target.endUs[row]).toBe(frame.tsUs[later]!);
            const change = Math.log(close[later]! / close[row]!);
            if (kind === 'log_return') expect(target.values[row]).toEqual(change);
            if (kind === 'direction')
              expect(target.values[row]).toEqual(
                Number.isNaN(change) ? Number.NaN : Number(close[later]! > close[row]!),
              );
          }
        }
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    { kind: 'direction', horizon: 0 },
    { kind: 'volatility', horizon: 1 },
    { kind: 'value', horizon: -1 },
  ])('%j is refused', (spec) => expect(targetSchema.safeParse(spec).success).toBe(false));
});

describe('a training set', () => {
  test('says of every row why it is not in it', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        const spec = [featureSchema.parse({ kind: 'log_return', column: 'close' })];
        const { data, leftOut, inputs } = trainingSet(frame, spec, targetSchema.parse({ kind: 'direction' }));
        expect(data.rows + leftOut.without_features + leftOut.without_label).toBe(frame.rows);
        expect(inputs).toEqual(['close_log_return_1']);
        expect([...data.inputs, ...data.targets!].every(Number.isFinite)).toBe(true);
        expect(data.classes).toBe(2);
      }),
      { numRuns: 20 },
    );
  });

  test('holds so many rows of one series in each input, the oldest first', async () => {
    const lines = Array.from({ length: 60 }, (_, i) => `${1_600_000_000 + i},${i % 2 ? 'B' : 'A'},${i}`);
    const { frame } = await read(`ts,symbol,x\n${lines.join('\n')}\n`);
    const spec = [featureSchema.parse({ kind: 'value', column: 'x' })];
    const set = trainingSet(frame, spec, targetSchema.parse({ kind: 'value', column: 'x' }), { steps: 3 });
    expect(set.inputs).toEqual(['x@-2', 'x@-1', 'x']);
    expect([...set.data.inputs.slice(0, 6)]).toEqual([0, 2, 4, 1, 3, 5]);
    expect([...set.data.targets!.slice(0, 2)]).toEqual([6, 7]);
    expect(set.leftOut).toEqual({ without_features: 4, without_label: 2 });
  });

  test('needs rows', async () => {
    const { frame } = await read('ts,x\n1600000000,1\n1600000001,2\n');
    const spec = [featureSchema.parse({ kind: 'value', column: 'x' })];
    expect(() => trainingSet(frame, spec, targetSchema.parse({ kind: 'value', column: 'x' }))).toThrow(
      InsufficientHistoryError,
    );
  });
});
