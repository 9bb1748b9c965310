// Sentiment of texts: the lexicon against the original VADER, token ids against the original tokenizers, and a small text model.
// Hot path: posted texts. A regression means rules that look at words more often, or a copy too many on the way into the graph.
import { join } from 'node:path';
import { packText } from '../../src/text/bundle.ts';
import { LABELS } from '../../src/text/labels.ts';
import { lexiconOf } from '../../src/text/lexicons.ts';
import { rowsOfTexts } from '../../src/text/rows.ts';
import { openTextSession } from '../../src/text/session.ts';
import { bagGraph, learn } from '../../src/text/test-model.ts';
import { openTokenizer } from '../../src/text/tokenizer.ts';
import { vaderScore } from '../../src/text/vader.ts';
import { publish } from '../report.ts';
import { RIVALS_HINT, Rivals } from '../rivals/rivals.ts';
import { aloneRow, type RivalCase, rivalRow } from './rival-row.ts';

const TEXTS = 2000;
/** Texts of one run, as serving makes them. */
const RUN = 32;
const file = join(import.meta.dir, '../../src/text/golden.json');
const golden = await Bun.file(file).json();
const sentences: string[] = golden.vader.cases.map(({ text }: { text: string }) => text);
const texts = Array.from({ length: TEXTS }, (_, i) => sentences[i % sentences.length]!);

const lexicon = await lexiconOf('lexicon-vader');
const files: Uint8Array[] = golden.tokenizers.cases.map((one: { tokenizer: object }) =>
  new TextEncoder().encode(JSON.stringify(one.tokenizer)),
);
const graph = bagGraph(learn(files[0]!, LABELS), LABELS.length);
const model = await openTextSession(
  packText({ labels: LABELS, maxTokens: 512, tokenizer: files[0]!, graph }),
);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const cases: readonly RivalCase[] = [
  {
    name: 'scores of VADER',
    task: 'vader_scores',
    sizes: { file, count: TEXTS },
    ours: () => sum(texts.map((text) => vaderScore(text, lexicon))),
  },
  ...files.map((bytes, i): RivalCase => {
    const tokenizer = openTokenizer(bytes);
    return {
      name: `token ids, ${tokenizer.model}`,
      task: 'token_ids',
      sizes: { file, at: i, count: TEXTS },
      ours: () => sum(texts.map((text) => tokenizer.encode(text, 512).ids.length)),
    };
  }),
];

async function throughModel(): Promise<void> {
  for (let from = 0; from < TEXTS; from += RUN) {
    const part = texts.slice(from, from + RUN);
    await model.predict(rowsOfTexts(part), part.length);
  }
}

const rivals = await Rivals.start(1);
const installed = rivals?.versions.vaderSentiment !== undefined && rivals.versions.tokenizers !== undefined;
const table: string[][] = [];
// The original rounds scores to four places.
for (const one of cases) table.push(await rivalRow(one, installed ? rivals : null, () => TEXTS * 5e-5));
await throughModel();
table.push(await aloneRow('a small text model, tokens and graph', throughModel));
rivals?.stop();
await model.close();
publish({
  title: `Sentiment of ${TEXTS} short texts`,
  note: installed
    ? `vaderSentiment ${rivals!.versions.vaderSentiment}, tokenizers ${rivals!.versions.tokenizers}, one thread on both sides. Above 1 means that ours is faster.`
    : `Without rivals: ${RIVALS_HINT}.`,
  columns: ['work', 'ours', 'Python', 'rival / ours'],
  rows: table,
});
