// The lexicon scorers by name: what their words are, read when one is first asked for.
import { FINANCE_WORDS } from './finance-words.ts';
import type { Lexicon } from './vader.ts';

/** Names of the scorers that need no model. */
export const LEXICONS = ['lexicon-vader', 'lexicon-finance'] as const;
export type LexiconName = (typeof LEXICONS)[number];

/** Counts changes of words, rules and confidences: the `model_version` of replies. */
export const LEXICON_VERSION = '1.0.0';

/** Words of vaderSentiment 3.3.2 that its edition for JavaScript lacks, or has with another valence. */
const SINCE: readonly (readonly [string, number])[] = [
  ['heart', 3.2],
  ['hearts', 3.3],
  ['flawed', -2.1],
  ['badass', 1.4],
];

const loading = new Map<LexiconName, Promise<Lexicon>>();

/** Returns a lexicon; the first call reads it. */
export function lexiconOf(name: LexiconName): Promise<Lexicon> {
  let lexicon = loading.get(name);
  if (!lexicon) {
    lexicon = name === 'lexicon-vader' ? readVader() : withFinance();
    loading.set(name, lexicon);
  }
  return lexicon;
}

async function withFinance(): Promise<Lexicon> {
  const { words, emoji } = await lexiconOf('lexicon-vader');
  return { words: new Map([...words, ...FINANCE_WORDS]), emoji };
}

async function readVader(): Promise<Lexicon> {
  const [{ default: text }, { default: names }] = await Promise.all([
    import('vader-sentiment/vader_lexicon.txt', { with: { type: 'text' } }),
    import('unicode-emoji-json/data-by-emoji.json', { with: { type: 'json' } }),
  ]);
  const words = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [word, valence] = line.trim().split('\t');
    if (word && valence !== undefined) words.set(word, Number(valence));
  }
  for (const [word, valence] of SINCE) words.set(word, valence);
  const emoji = new Map<string, string>();
  for (const [sign, { name }] of Object.entries(names as Record<string, { name: string }>)) {
    const [point, rest] = [...sign];
    // Only signs of one code point, with or without the selector that asks for a picture, can be met one by one.
    if (
      point !== undefined &&
      (rest === undefined || (rest === '\ufe0f' && sign.length === point.length + 1))
    )
      emoji.set(point, name);
  }
  return { words, emoji };
}
