// What a score of sentiment means: its label, and how often people would give the same.
import type { LexiconName } from './lexicons.ts';

/** What a text may be. */
export const LABELS = ['negative', 'neutral', 'positive'] as const;
export type Label = (typeof LABELS)[number];

/** Scores nearer to 0 are neutral: the bound that VADER's authors use. */
export const NEUTRAL_BELOW = 0.05;

/** Returns the label of a score in [-1, 1]. */
export function labelOf(score: number): Label {
  if (Math.abs(score) < NEUTRAL_BELOW) return 'neutral';
  return score < 0 ? 'negative' : 'positive';
}

/** Least sizes of scores that share a confidence. */
export const CONFIDENCE_FROM = [0.05, 0.3, 0.5, 0.7, 0.85] as const;

type Shares = Readonly<Record<'negative' | 'positive', readonly number[]>> & { readonly neutral: number };

/**
 * Shares of sentences for which people gave the label of the scorer, by label and size of the score; a share never falls as the
 * size grows. Measured by scripts/sentiment-accuracy.ts on 5,190 sentences of editorials, each rated by twenty people (Hutto and
 * Gilbert 2014; a mean rating within 0.5 of 0 is neutral).
 */
const SHARES: Readonly<Record<LexiconName, Shares>> = {
  'lexicon-vader': {
    negative: [0.52, 0.68, 0.7, 0.79, 0.79],
    neutral: 0.62,
    positive: [0.26, 0.37, 0.52, 0.64, 0.75],
  },
  'lexicon-finance': {
    negative: [0.5, 0.66, 0.68, 0.79, 0.79],
    neutral: 0.62,
    positive: [0.26, 0.41, 0.52, 0.69, 0.74],
  },
};

/** Returns how often people would give the label of this score, in (0, 1), for sentences as in the news. */
export function confidenceOf(lexicon: LexiconName, score: number): number {
  const label = labelOf(score);
  const shares = SHARES[lexicon];
  if (label === 'neutral') return shares.neutral;
  return shares[label][CONFIDENCE_FROM.findLastIndex((from) => Math.abs(score) >= from)]!;
}
