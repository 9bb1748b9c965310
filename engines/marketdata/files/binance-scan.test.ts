// The scan of lines says what parsing their JSON says, for real lines and for every way to spoil one.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { captureLines } from '../../../test/support/captures.ts';
import { BinanceLines } from './binance-lines.ts';
import { scanLine } from './binance-scan.ts';

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

  test('says what JSON says of a line that is spoiled anywhere', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const spoiled = changes.map(({ form, place, length, text }) => {
          const line = FORMS[form]!;
          const from = place % line.length;
          return line.slice(0, from) + text + line.slice(from + length);
        });
        for (const [scan, parse] of both([FORMS[0]!, ...spoiled])) expect(scan).toEqual(parse);
      }),
      { numRuns: 500 },
    );
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
