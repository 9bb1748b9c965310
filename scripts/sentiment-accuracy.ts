// Measures the lexicon scorers on labelled sentences and prints their accuracy, and the confidences of src/text/labels.ts.
// --ratings: the folder hutto_ICWSM_2014 of the source package of vaderSentiment 3.3.2. --phrases: all-data.csv of the
// Financial PhraseBank (Malo et al. 2014; its licence forbids commercial use, so that nothing of it is here).
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONFIDENCE_FROM, LABELS, type Label, labelOf } from '../src/text/labels.ts';
import { LEXICONS, lexiconOf } from '../src/text/lexicons.ts';
import { vaderScore } from '../src/text/vader.ts';

interface Labelled {
  readonly text: string;
  readonly label: Label;
}

/** A mean rating of people, on -4 to 4, within this of 0 is neutral. */
const NEUTRAL_RATING = 0.5;
const RATED = ['tweets', 'amazonReviewSnippets', 'movieReviewSnippets', 'nytEditorialSnippets'];
const CALIBRATED_ON = 'nytEditorialSnippets';

const { values } = parseArgs({ options: { ratings: { type: 'string' }, phrases: { type: 'string' } } });
const sets = new Map<string, Labelled[]>();
if (values.ratings) for (const name of RATED) sets.set(name, await rated(values.ratings, name));
if (values.phrases) sets.set('Financial PhraseBank', await phrases(values.phrases));
if (sets.size === 0) {
  console.error('usage: bun scripts/sentiment-accuracy.ts [--ratings <folder>] [--phrases <file>]');
  process.exit(2);
}

console.log('| texts | number | most frequent label | scorer | accuracy | macro F1 |');
console.log('|---|---|---|---|---|---|');
for (const [name, texts] of sets) {
  const most = Math.max(...LABELS.map((label) => texts.filter((t) => t.label === label).length));
  for (const scorer of LEXICONS) {
    const said = await labelsBy(scorer, texts);
    const accuracy = texts.filter(({ label }, i) => said[i]!.label === label).length / texts.length;
    const cells = [
      name,
      texts.length,
      share(most / texts.length),
      scorer,
      share(accuracy),
      share(f1(texts, said)),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
const calibrating = sets.get(CALIBRATED_ON);
for (const scorer of calibrating ? LEXICONS : []) {
  console.log(scorer, JSON.stringify(await shares(scorer, calibrating!)));
}

async function labelsBy(scorer: (typeof LEXICONS)[number], texts: readonly Labelled[]) {
  const lexicon = await lexiconOf(scorer);
  return texts.map(({ text }) => {
    const score = vaderScore(text, lexicon);
    return { score, label: labelOf(score) };
  });
}

async function shares(scorer: (typeof LEXICONS)[number], texts: readonly Labelled[]) {
  const said = await labelsBy(scorer, texts);
  const right = (label: Label, from: number, to: number) => {
    const at = said.flatMap((s, i) =>
      s.label === label && Math.abs(s.score) >= from && Math.abs(s.score) < to ? [i] : [],
    );
    return { right: at.filter((i) => texts[i]!.label === label).length, all: at.length };
  };
  const bins = (label: Label) =>
    rising(CONFIDENCE_FROM.map((from, i) => right(label, from, CONFIDENCE_FROM[i + 1] ?? 2)));
  const neutral = right('neutral', 0, 2);
  return {
    negative: bins('negative'),
    neutral: round(neutral.right / neutral.all),
    positive: bins('positive'),
  };
}

/** Shares that never fall: neighbours that would are pooled. */
function rising(bins: readonly { right: number; all: number }[]): number[] {
  const pools: { right: number; all: number; bins: number }[] = [];
  for (const bin of bins) {
    let pool = { ...bin, bins: 1 };
    for (
      let last = pools.at(-1);
      last && last.right / last.all >= pool.right / pool.all;
      last = pools.at(-1)
    ) {
      pools.pop();
      pool = { right: last.right + pool.right, all: last.all + pool.all, bins: last.bins + pool.bins };
    }
    pools.push(pool);
  }
  return pools.flatMap((pool) => Array(pool.bins).fill(round(pool.right / pool.all)));
}

function f1(texts: readonly Labelled[], said: readonly { label: Label }[]): number {
  const scores = LABELS.map((label) => {
    const both = texts.filter((t, i) => t.label === label && said[i]!.label === label).length;
    const either =
      texts.filter((t) => t.label === label).length + said.filter((s) => s.label === label).length;
    return either === 0 ? 0 : (2 * both) / either;
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

async function rated(folder: string, name: string): Promise<Labelled[]> {
  const text = await Bun.file(join(folder, `${name}_GroundTruth.txt`)).text();
  return text.split('\n').flatMap((line) => {
    const [, rating, words] = line.split('\t');
    if (words === undefined) return [];
    const mean = Number(rating);
    const label = Math.abs(mean) < NEUTRAL_RATING ? 'neutral' : mean < 0 ? 'negative' : 'positive';
    return [{ text: words, label } as const];
  });
}

/** Lines `label,text` or `label,"text"` in Latin-1. */
async function phrases(path: string): Promise<Labelled[]> {
  const text = new TextDecoder('latin1').decode(await Bun.file(path).bytes());
  return text.split(/\r?\n/).flatMap((line) => {
    const found = /^(negative|neutral|positive),(.*)$/.exec(line);
    if (!found) return [];
    return [{ label: found[1] as Label, text: found[2]!.replace(/^"|"$/g, '').replaceAll('""', '"') }];
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function share(value: number): string {
  return value.toFixed(3);
}
