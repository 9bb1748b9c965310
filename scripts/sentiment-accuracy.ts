// Measures the lexicon scorers on labelled sentences and prints their accuracy, and the confidences of src/text/labels.ts.
// --ratings: the folder hutto_ICWSM_2014 of the source package of vaderSentiment 3.3.2. --phrases: all-data.csv of the
// Financial PhraseBank (Malo et al. 2014; its licence forbids commercial use, so that nothing of it is here).
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isotonicRegression, valueOnLine } from '../src/learning/validation/calibration/isotonic.ts';
import { classificationScorer } from '../src/learning/validation/metrics/classification.ts';
import { scoreOnce } from '../src/learning/validation/metrics/scorer.ts';
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
    const { accuracy, f1 } = scoresOf(texts, said);
    const cells = [name, texts.length, share(most / texts.length), scorer, share(accuracy), share(f1)];
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

function scoresOf(texts: readonly Labelled[], said: readonly { label: Label }[]) {
  const classes = LABELS.length;
  const probabilities = new Float64Array(texts.length * classes);
  for (const [i, { label }] of said.entries()) probabilities[i * classes + LABELS.indexOf(label)] = 1;
  const labels = texts.map(({ label }) => LABELS.indexOf(label));
  return scoreOnce(classificationScorer({ probabilities, labels, classes }));
}

async function shares(scorer: (typeof LEXICONS)[number], texts: readonly Labelled[]) {
  const said = await labelsBy(scorer, texts);
  const rightOf = (label: Label) =>
    said.flatMap((s, i) =>
      s.label === label ? [{ size: Math.abs(s.score), right: Number(texts[i]!.label === label) }] : [],
    );
  const bins = (label: Label) => {
    const all = rightOf(label);
    const from = all.map(({ size }) => CONFIDENCE_FROM.findLastIndex((least) => size >= least));
    // Shares that never fall.
    const line = isotonicRegression(
      from,
      all.map(({ right }) => right),
    );
    return CONFIDENCE_FROM.map((_, bin) => round(valueOnLine(line, bin)));
  };
  const neutral = rightOf('neutral');
  return {
    negative: bins('negative'),
    neutral: round(neutral.filter(({ right }) => right).length / neutral.length),
    positive: bins('positive'),
  };
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
