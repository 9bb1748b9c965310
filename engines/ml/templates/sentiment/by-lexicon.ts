// Texts scored by a lexicon, within the engine: quick, and in turns that leave room for other requests.
import { CancelledError } from '../../../../src/native/index.ts';
import { confidenceOf, labelOf } from '../../../../src/text/labels.ts';
import { LEXICON_VERSION, type LexiconName, lexiconOf } from '../../../../src/text/lexicons.ts';
import { vaderScore } from '../../../../src/text/vader.ts';
import type { TemplateContext } from '../template.ts';
import type { Answer, Scored } from './answer.ts';

/** Characters that are read in one turn of the event loop: a few milliseconds. */
const TURN = 50_000;

/** Returns what a lexicon says. Throws BackendUnavailableError for other hardware without `allow_fallback`, CancelledError. */
export async function byLexicon(
  name: LexiconName,
  texts: readonly string[],
  { onCpu, serving, signal }: Pick<TemplateContext, 'onCpu' | 'serving' | 'signal'>,
): Promise<Answer> {
  const ran = onCpu('a lexicon');
  const began = performance.now();
  const lexicon = await lexiconOf(name);
  const scored: Scored[] = [];
  let read = 0;
  for (const text of texts) {
    if (read + text.length > TURN) {
      await new Promise(setImmediate);
      if (signal.aborted) throw new CancelledError('The caller gave the prediction up');
      read = 0;
    }
    read += text.length;
    const score = vaderScore(text, lexicon);
    const confidence = confidenceOf(name, score);
    scored.push({
      score,
      label: labelOf(score),
      confidence,
      calibrated: true,
      tokens: null,
      truncated: false,
    });
  }
  serving.answered(name, texts.length, (performance.now() - began) / 1000);
  return { model_id: name, model_version: LEXICON_VERSION, scored, ...ran };
}
