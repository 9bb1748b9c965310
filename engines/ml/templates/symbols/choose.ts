// Which model answers a body of symbols.
import { ConflictError } from '../../../../src/core/errors.ts';
import type { ServedCard } from '../../model-source.ts';
import type { TemplateContext } from '../template.ts';
import type { SymbolsRequest } from './schemas.ts';

/** The model of a body. */
export interface Chosen {
  readonly reference: string;
  readonly card: ServedCard;
  readonly generic: boolean;
  /** How far ahead it looks; null where nobody said. */
  readonly horizon: string | null;
}

/** Returns the model that a body names. Throws ConflictError where it names none, and what opening it throws. */
export async function chooseModel(body: SymbolsRequest, context: TemplateContext): Promise<Chosen> {
  const reference = body.model_id;
  if (reference === undefined) {
    throw new ConflictError(
      `Expected model_id: no model of type ${body.model_type} serves these symbols; train and deploy one, then name it`,
    );
  }
  const { card } = await context.model(reference);
  return { reference, card, generic: false, horizon: body.prediction_horizon ?? null };
}
