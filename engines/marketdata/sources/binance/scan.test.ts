// The scan of lines says what parsing their JSON says, for real lines and for every way to spoil one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { MarketRecord } from '../../../../src/market/records.ts';
import { captureLines } from '../../../../test/support/captures.ts';
import { BinanceLines } from '../../files/binance-lines.ts';
import type { Fields } from '../net/fields.ts';
import { Scales } from '../scales.ts';
import { type Reading, readStream } from './messages.ts';
import { scanLine, scanNames, scanText } from './scan.ts';
import { SPOT, USDM, type Venue } from './venue.ts';

const at = '1723161255088176367 ';
const stream = (data: string) => `${at}{"stream":"btcusdt@x","data":${data}}`;
/** One line of each form, as the captures have them. */
const FORMS = [
  stream(
    '{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":50093239189,"u":50093239202,"b":[["61737.63000000","0.00000000"],["56854.5","1"]],"a":[]}',
  ),
  stream(
    '{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT","U":5123107832006,"u":5123107837557,"pu":5123107831937,"b":[],"a":[["58710.20","0.014"]]}',
  ),
  stream(
    '{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}',
  ),
  stream(
    '{"e":"bookTicker","u":5123107839020,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256313}',
  ),
  stream(
    '{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}',
  ),
  stream(
    '{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":false}',
  ),
];

const real = { spot: await captureLines('spot', 2000), futures: await captureLines('futures', 2000) };

const read = (lines: BinanceLines, way: 'read' | 'parse', line: string) => {
  const bytes = Buffer.from(line);
  return lines[way](bytes, 0, bytes.length);
};

/** Reads lines both ways, with a scale that starts from the same line. */
const both = (text: readonly string[]) => {
  const [scanning, parsing] = [new BinanceLines(), new BinanceLines()];
  return text.map((line) => [read(scanning, 'read', line), read(parsing, 'parse', line)] as const);
};

const scanned = (line: string) => {
  const bytes = Buffer.from(line);
  return scanLine(bytes, 0, bytes.length, {
    symbol: (native) => native,
    scales: { now: () => ({ price: 2, size: 8 }) },
    source: ({ id }) => id,
  });
};

/** What two readers of the messages of a market know: one that scans, one that parses. */
const live = (venue: Venue) => {
  const reading = () => ({ venue, scales: new Scales(), symbolOf: (): string | undefined => 'BTC-USDT' });
  return { scanning: reading(), parsing: reading() };
};

/** Records of a message by its JSON; the reason where there are none. */
const parsedStream = (text: string, reading: Reading): readonly MarketRecord[] | string => {
  try {
    return readStream((JSON.parse(text) as { data: Fields }).data, reading, 7);
  } catch (error) {
    return String(error);
  }
};

describe('the scan of a line', () => {
  test('takes every form that the venue writes', () => {
    for (const line of FORMS) expect(scanned(line)).not.toBeNull();
    for (const [scan, parse] of both(FORMS)) {
      expect(scan).toBeObject();
      expect(scan).toEqual(parse);
    }
  });

  for (const name of ['spot', 'futures'] as const) {
    const text = real[name];
    const title = `takes the real lines of ${name} but the snapshot, and says what their JSON says`;
    test.skipIf(text === null)(`${title}${text === null ? ' (skipped: no ../shared/data)' : ''}`, () => {
      expect(text!.filter((line) => scanned(line) === null)).toHaveLength(1);
      for (const [scan, parse] of both(text!)) expect(scan).toEqual(parse);
    });
  }

  const change = fc.record({
    form: fc.nat({ max: FORMS.length - 1 }),
    place: fc.nat({ max: 400 }),
    length: fc.nat({ max: 3 }),
    text: fc.oneof(
      fc.string({ maxLength: 2 }),
      fc.constantFrom(
        '0',
        '9',
        '.',
        '"',
        '\\',
        ',',
        ']',
        '}',
        ' ',
        '-',
        'e5',
        '99999999999999999',
        '\\u0041',
        'é',
        '\n',
      ),
    ),
  });

  const spoiled = ({
    form,
    place,
    length,
    text,
  }: {
    form: number;
    place: number;
    length: number;
    text: string;
  }) => {
    const line = FORMS[form]!;
    const from = place % line.length;
    return line.slice(0, from) + text + line.slice(from + length);
  };

  test('says what JSON says of a line that is spoiled anywhere', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        for (const [scan, parse] of both([FORMS[0]!, ...changes.map(spoiled)])) expect(scan).toEqual(parse);
      }),
      { numRuns: 500 },
    );
  });

  test('says of the message of a stream what its JSON says, in its own market and for a symbol that is wanted', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.constantFrom(SPOT, USDM), (changes, venue) => {
        const { scanning, parsing } = live(venue);
        const messages = [...FORMS, ...changes.map(spoiled)].map((line) => line.slice(at.length));
        for (const text of messages) {
          const record = scanText(text, 7, scanNames(scanning));
          const found = record === null ? parsedStream(text, scanning) : [record];
          expect(found).toEqual(parsedStream(text, parsing));
        }
      }),
      { numRuns: 200 },
    );
    for (const [venue, forms] of [
      [SPOT, [0, 2, 4]],
      [USDM, [1, 3, 5]],
    ] as const) {
      const { scanning } = live(venue);
      for (const form of forms) parsedStream(FORMS[form]!.slice(at.length), scanning);
      const taken = FORMS.map((line) => scanText(line.slice(at.length), 7, scanNames(scanning)) !== null);
      expect(taken).toEqual(FORMS.map((_, i) => (forms as readonly number[]).includes(i)));
      const unwanted = { ...scanning, symbolOf: () => undefined };
      expect(scanText(FORMS[forms[0]]!.slice(at.length), 7, scanNames(unwanted))).toBeNull();
    }
    expect(scanText('9'.repeat(70_000), 7, scanNames(live(SPOT).scanning))).toBeNull();
  });

  test('stops at the end of the line, whatever follows in memory', () => {
    const bytes = Buffer.from(FORMS.join(''));
    let from = 0;
    const lines = new BinanceLines();
    for (const line of FORMS) {
      for (const short of [1, 2, 20])
        expect(lines.read(bytes, from, from + line.length - short)).toBe('not JSON');
      expect(lines.read(bytes, from, from + line.length)).toBeObject();
      from += line.length;
    }
  });
});
