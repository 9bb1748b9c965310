// Which model answers for a symbol: the one that is named, one that is deployed for it, or the generic one of its type.
import { InvalidOptionError, NotFoundError } from '../../../../src/core/errors.ts';
import { GENERIC_HORIZONS, GENERIC_TYPES, genericId } from '../../../../src/learning/templates/generic.ts';
import type { ServedCard } from '../../model-source.ts';
import type { TemplateContext } from '../template.ts';

/** The model of a symbol. */
export interface Chosen {
  readonly reference: string;
  readonly card: ServedCard;
  readonly generic: boolean;
  /** How far ahead it looks; null where nobody said. */
  readonly horizon: string | null;
}

/** What is asked of a model. */
export interface Wanted {
  readonly type: string;
  readonly symbol: string;
  /** Index of the symbol in the body. */
  readonly index: number;
  readonly model_id: string | undefined;
  /** As in `prediction_horizon`. */
  readonly horizon: string | undefined;
}

const DEFAULT_HORIZON = '1d';
/** How many times longer or shorter than the model's a horizon may be. */
const NEAR = 2;
const MINUTES: Readonly<Record<string, number>> = { m: 1, h: 60, d: 1440 };

/** The tag by which a model says that it was trained for a symbol: lower-case, other characters than `a-z0-9._-` as `-`. */
export function symbolTag(symbol: string): string {
  return `symbol:${symbol.toLowerCase().replace(/[^a-z0-9._-]/g, '-')}`.slice(0, 64);
}

/**
 * Returns the model that answers for a symbol. Throws NotFoundError where none does, InvalidOptionError for a horizon that no generic model is near, and
 * what opening it throws.
 */
export async function chooseModel(wanted: Wanted, context: TemplateContext): Promise<Chosen> {
  const { type, symbol, index, model_id, horizon } = wanted;
  const named =
    model_id ?? (await context.deployed(type, symbolTag(symbol), `horizon:${horizon ?? DEFAULT_HORIZON}`));
  if (named !== null) {
    const { card } = await context.model(named);
    return { reference: named, card, generic: false, horizon: card.serving?.target?.horizon ?? null };
  }
  const known = GENERIC_TYPES.find((one) => one === type);
  if (!known) {
    throw new NotFoundError(
      `Expected a model for /symbols/${index}: none of type ${type} is deployed with its tag, and there is no generic one; name one with model_id`,
    );
  }
  const nearest = nearestHorizon(horizon ?? DEFAULT_HORIZON);
  const reference = genericId(known, nearest);
  const { card } = await context.model(reference);
  return { reference, card, generic: true, horizon: nearest };
}

/** Returns the horizon of the generic models that is nearest by ratio. Throws InvalidOptionError where none is within a factor of 2. */
export function nearestHorizon(asked: string): string {
  const minutes = Number.parseInt(asked, 10) * MINUTES[asked.at(-1)!]!;
  const apart = (of: number) => Math.abs(Math.log(minutes / of));
  const [name, length] = Object.entries(GENERIC_HORIZONS).reduce((a, b) =>
    apart(b[1]) < apart(a[1]) ? b : a,
  );
  if (apart(length) <= Math.log(NEAR) + 1e-12) return name;
  const field = {
    pointer: '/prediction_horizon',
    expected: `a horizon within a factor of ${NEAR} of one of ${Object.keys(GENERIC_HORIZONS).join(', ')}`,
  };
  throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
}
