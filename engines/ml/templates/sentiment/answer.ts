// What a scorer says of texts, whichever it is.
import type { Ran } from '../template.ts';
import type { TextSentiment } from './schemas.ts';

/** What one text is. */
export type Scored = Omit<TextSentiment, 'symbol' | 'model_id'>;

/** What a scorer says of all texts, in order. */
export interface Answer extends Ran {
  readonly model_id: string;
  readonly model_version: string;
  readonly scored: readonly Scored[];
}
