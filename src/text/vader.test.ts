import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { confidenceOf, labelOf } from './labels.ts';
import { LEXICONS, lexiconOf } from './lexicons.ts';
import { vaderScore } from './vader.ts';

const { vader: golden } = await Bun.file(`${import.meta.dir}/golden.json`).json();
const vader = await lexiconOf('lexicon-vader');
const finance = await lexiconOf('lexicon-finance');
const seed = 20261123;

describe('a score', () => {
  test.each(golden.cases as { text: string; compound: number }[])(
    'is that of the original: $text',
    ({ text, compound }) => {
      expect(Math.abs(vaderScore(text, vader) - compound)).toBeLessThanOrEqual(golden.tolerance);
    },
  );

  test('counts "but" by place, also where words before and after have the same valence', () => {
    // Of 1.9 + 0.95 the original halves the first twice: it looks for the place of 0.95 and finds it there.
    const words = new Map([
      ['good', 1.9],
      ['fair', 0.95],
    ]);
    const sum = 1.9 / 2 + 0.95 * 1.5;
    const score = vaderScore('good but fair', { words, emoji: new Map() });
    expect(score).toBeCloseTo(sum / Math.sqrt(sum * sum + 15), 12);
  });

  test('is a number in [-1, 1] for any text', () => {
    const words = [
      'good',
      'BAD',
      'no',
      'not',
      'but',
      'very',
      'kind',
      'of',
      'least',
      ':)',
      '!!',
      '??',
      'the',
      'bomb',
      '😍',
    ];
    const unit = fc.oneof(
      fc.constantFrom(...' !?.\u00a0'),
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    );
    const word = fc.oneof(fc.constantFrom(...words), fc.string({ unit, maxLength: 3 }));
    const text = fc.oneof(
      fc.string({ unit }),
      fc.array(word).map((some) => some.join(' ')),
    );
    fc.assert(
      fc.property(text, (any) => Math.abs(vaderScore(any, vader)) <= 1),
      { seed, numRuns: 300 },
    );
  });

  test('is the same for the text in other white space', () => {
    const word = fc.constantFrom('good', 'terrible', 'no', 'quarter', 'not', 'but', 'really');
    const space = fc.constantFrom(' ', '\t', '\n', '\u00a0', '  ');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), space, (words, between) => {
        expect(vaderScore(words.join(between), vader)).toBe(vaderScore(words.join(' '), vader));
      }),
      { seed, numRuns: 200 },
    );
  });

  test('of an emoji is that of its name', () => {
    expect(vaderScore('Earnings 😍', vader)).toBe(vaderScore('Earnings smiling face with heart-eyes', vader));
    expect(vaderScore('Earnings ❤️', vader)).toBeGreaterThan(0);
  });
});

describe('the words of markets', () => {
  test.each([
    ['Shares fell sharply after the company missed expectations', 'negative'],
    ['The bank upgraded the stock as profits surged', 'positive'],
    ['The company did not miss expectations', 'positive'],
    ['Gross debt per share, before taxes and interest', 'neutral'],
  ])('make "%s" %s', (text, label) => {
    expect(labelOf(vaderScore(text, finance)) as string).toBe(label);
  });

  test('leave other words as they are', () => {
    expect(vaderScore('a wonderful, friendly day', finance)).toBe(
      vaderScore('a wonderful, friendly day', vader),
    );
  });
});

test('the lexicon has the words of vaderSentiment 3.3.2', () => {
  expect(vader.words.size).toBe(7506);
  expect(vader.words.get('heart')).toBe(3.2);
});

test('a confidence never falls as the size of the score grows', () => {
  for (const name of LEXICONS) {
    for (const sign of [-1, 1]) {
      const sizes = Array.from({ length: 20 }, (_, i) => confidenceOf(name, sign * (0.05 + i * 0.05)));
      expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    }
    expect([labelOf(0.0499), labelOf(-0.05), labelOf(0.05)]).toEqual(['neutral', 'negative', 'positive']);
  }
});
