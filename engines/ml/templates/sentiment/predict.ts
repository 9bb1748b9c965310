// Sentiment of posted texts: by a lexicon here, or by an uploaded text model in a process of its own.
import { LABELS, type Label, labelOf } from '../../../../src/text/labels.ts';
import { LEXICONS, type LexiconName } from '../../../../src/text/lexicons.ts';
import type { TemplateContext } from '../template.ts';
import { byLexicon } from './by-lexicon.ts';
import { byModel } from './by-model.ts';
import type { SentimentReply, SentimentRequest, SymbolSentiment, TextSentiment } from './schemas.ts';

const DEFAULT: LexiconName = 'lexicon-finance';

/** Returns the sentiment of texts. Throws what `byLexicon` and `byModel` throw. */
export async function predictSentiment(
  { texts: given, model_id = DEFAULT }: SentimentRequest,
  context: TemplateContext,
): Promise<Omit<SentimentReply, 'processing_time_ms'>> {
  const texts = given.map((item) => (typeof item === 'string' ? item : item.text));
  const symbols = given.map((item) => (typeof item === 'string' ? null : item.symbol));
  const { scored, ...by } = isLexicon(model_id)
    ? await byLexicon(model_id, texts, context)
    : await byModel(model_id, texts, context);
  const predictions = scored.map((one, i) => ({ ...one, symbol: symbols[i]!, model_id: by.model_id }));
  return { model_type: 'sentiment', predictions, symbols: bySymbol(predictions), ...by };
}

function bySymbol(predictions: readonly TextSentiment[]): Record<string, SymbolSentiment> {
  const groups = Map.groupBy(predictions, ({ symbol }) => symbol);
  groups.delete(null);
  const means = [...groups].map(([symbol, of]) => {
    const score = of.reduce((sum, one) => sum + one.score, 0) / of.length;
    const counts = Object.fromEntries(
      LABELS.map((label) => [label, of.filter((one) => one.label === label).length]),
    ) as Record<Label, number>;
    return [symbol!, { score, label: labelOf(score), texts: of.length, ...counts }] as const;
  });
  return Object.fromEntries(means);
}

function isLexicon(reference: string): reference is LexiconName {
  return (LEXICONS as readonly string[]).includes(reference);
}
