// What a reply makes of the numbers of a classifier.
import { expect, test } from 'bun:test';
import { replyOf } from './rows.ts';

/** Returns the reply to rows of probabilities of a classifier whose classes have these names. */
function reply(rows: readonly (readonly number[])[], classes?: readonly string[]) {
  const prediction = {
    card: {
      model_id: 'm',
      version: '1',
      model_type: 'classification',
      inputs: [{ name: 'a' }],
      output: { name: 'probabilities', classes },
      artefact: { sha256: '', bytes: 1 },
    },
    output: Float32Array.from(rows.flat()),
    width: rows[0]!.length,
    provider: { provider: 'cpu', reason: 'asked for', coreMlFlags: 0 },
    where: 'in_process',
  } as const;
  return replyOf(prediction, 0);
}

test('the signal of two classes is that of the rise, whichever of them is named BUY', () => {
  const rows = [
    [0.25, 0.75],
    [0.75, 0.25],
  ];
  expect(reply(rows).signal).toEqual(['BUY', 'SELL']);
  expect(reply(rows, ['SELL', 'BUY']).signal).toEqual(['BUY', 'SELL']);
  expect(reply(rows, ['BUY', 'SELL']).signal).toEqual(['SELL', 'BUY']);
});

test('of SELL, HOLD and BUY the likeliest is the signal; other classes are none', () => {
  const rows = [
    [0.125, 0.25, 0.625],
    [0.5, 0.25, 0.25],
  ];
  expect(reply(rows, ['SELL', 'HOLD', 'BUY'])).toMatchObject({ signal: ['BUY', 'SELL'], thresholds: null });
  expect(reply(rows, ['HOLD', 'BUY', 'SELL']).signal).toEqual(['SELL', 'HOLD']);
  expect(reply(rows, ['fall', 'flat', 'rise'])).toMatchObject({ signal: null, confidence: [0.625, 0.5] });
  const four = [[0.1, 0.1, 0.1, 0.7]];
  expect(reply(four, ['SELL', 'HOLD', 'BUY', 'CLOSE'])).toMatchObject({ signal: null, thresholds: null });
});
