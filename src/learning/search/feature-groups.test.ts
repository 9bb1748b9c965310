import { describe, expect, test } from 'bun:test';
import { InvalidOptionError } from '../../core/errors.ts';
import { computeFeatures } from '../tables/features.ts';
import type { Frame } from '../tables/frame.ts';
import { FEATURE_GROUPS, featureGroups } from './feature-groups.ts';

const ROWS = 400;

function frameOf(columns: readonly string[]): Frame {
  const wave = (phase: number) =>
    Float64Array.from({ length: ROWS }, (_, i) => 100 + 10 * Math.sin(i / 7 + phase));
  return {
    rows: ROWS,
    tsUs: Float64Array.from({ length: ROWS }, (_, i) => i * 60e6),
    series: [''],
    seriesOf: new Uint32Array(ROWS),
    columns: new Map(columns.map((name, i) => [name, wave(name === 'high' ? 0 : i / 100)])),
  };
}

describe('groups of features', () => {
  test('are made of the columns that a table has, and computed from them', () => {
    for (const columns of [
      ['close'],
      ['open', 'high', 'low', 'close', 'volume'],
      ['close', 'volume', 'sentiment', 'news_sentiment'],
    ]) {
      const { groups, unused } = featureGroups(FEATURE_GROUPS, columns);
      expect([...groups, ...unused].map(({ name }) => name).toSorted()).toEqual(
        [...FEATURE_GROUPS].toSorted(),
      );
      const features = groups.flatMap((group) => group.features);
      const { values, names } = computeFeatures(frameOf(columns), features);
      // Known in the last row, all of them.
      const last = values.subarray((ROWS - 1) * names.length);
      expect(names.filter((_, i) => Number.isNaN(last[i]))).toEqual([]);
    }
  });

  test('say what is missing of those that a table has not, and are refused where none is left', () => {
    expect(featureGroups(['price', 'sentiment', 'price'], ['close'])).toEqual({
      groups: [expect.objectContaining({ name: 'price' })],
      unused: [
        {
          name: 'sentiment',
          reason: 'Expected a column sentiment, or one of such a name as news_sentiment, was none',
        },
      ],
    });
    expect(() => featureGroups(['volume', 'sentiment'], ['close'])).toThrow(InvalidOptionError);
  });

  test('take the inputs of the stream where all of its prices are there', () => {
    const kinds = (columns: string[]) =>
      featureGroups(['technical'], columns).groups[0]!.features.map(({ kind }) => kind);
    expect(kinds(['open', 'high', 'low', 'close'])).toContain('bars');
    expect(kinds(['close'])).not.toContain('bars');
  });
});
