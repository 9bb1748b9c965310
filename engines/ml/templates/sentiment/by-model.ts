// Texts scored by an uploaded text model, in the processes that run models.
import { InvalidOptionError, NonFiniteInputError } from '../../../../src/core/errors.ts';
import { rowsOfTexts } from '../../../../src/text/rows.ts';
import type { ServedCard } from '../../model-source.ts';
import { TEXT_ROWS } from '../../serving/limits.ts';
import type { TemplateContext } from '../template.ts';
import type { Answer, Scored } from './answer.ts';

/**
 * Returns what a text model says. Throws BackendUnavailableError for other hardware without `allow_fallback`, InvalidOptionError for
 * a model that reads no texts, NonFiniteInputError for a text of which it makes no number, and what finding and running a model throw.
 */
export async function byModel(
  reference: string,
  texts: readonly string[],
  { onCpu, serving, control }: TemplateContext,
): Promise<Answer> {
  const ran = onCpu('a text model');
  const { model, run } = await serving.texts(reference, control);
  const { card } = model;
  if (!card.text) {
    const field = { pointer: '/model_id', expected: 'a lexicon or a text model: this model reads numbers' };
    throw new InvalidOptionError(`Expected ${field.expected}`, [field]);
  }
  const scored: Scored[] = [];
  // A run at a time: rows of texts are wide.
  for (let from = 0; from < texts.length; from += TEXT_ROWS) {
    const part = texts.slice(from, from + TEXT_ROWS);
    const { output, width } = await run({ values: rowsOfTexts(part), count: part.length });
    const bad = output.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw noNumber(from + Math.floor(bad / width));
    for (let row = 0; row < part.length; row++)
      scored.push(scoredOf(output.subarray(row * width, (row + 1) * width), card.text));
  }
  return { model_id: card.model_id, model_version: card.version, scored, ...ran };
}

function noNumber(row: number): NonFiniteInputError {
  const field = { pointer: `/texts/${row}`, expected: 'a text for which the model has a finite answer' };
  return new NonFiniteInputError(`Expected ${field.expected} for ${field.pointer}`, [field]);
}

/** Returns what logits and the number of tokens [classes + 1] say: probabilities by softmax, positive minus negative. */
function scoredOf(row: Float32Array, { labels, maxTokens }: NonNullable<ServedCard['text']>): Scored {
  const logits = row.subarray(0, labels.length);
  const tokens = row[labels.length]!;
  const most = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const of = (label: (typeof labels)[number]) => weights[labels.indexOf(label)]! / sum;
  const score = of('positive') - of('negative');
  const confidence = Math.max(...weights) / sum;
  const label = labels[logits.indexOf(most)]!;
  return { score, label, confidence, calibrated: false, tokens, truncated: tokens > maxTokens };
}
