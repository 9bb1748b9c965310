// The limits of a portfolio as data: what each measures, its unit, default and schema. The checks are in checks.ts.
import { z } from 'zod';
import { Decimal, MAX_DECIMAL_PLACES, ONE, positiveDecimalSchema, ZERO } from './decimal.ts';

/** An order and its surroundings, reduced to what a limit needs. */
export interface OrderContext {
  readonly size: Decimal;
  /** The mark; for a limit order the greater of mark and limit price, so that neither can understate the exposure. */
  readonly price: Decimal;
  /** Size of the position against which the order works (what it may close); zero when the order adds. */
  readonly closable: Decimal;
  /** Size of the position that the order adds to; zero when the order closes. */
  readonly held: Decimal;
  readonly drawdown: Decimal;
}

/** What one limit says about one order. */
export interface OrderMeasure {
  readonly value: Decimal;
  readonly passes: boolean;
  /** The largest quantity that the limit lets pass; null: it does not bound the quantity. A function, since it divides. */
  readonly maxQuantity: () => Decimal | null;
}

/** A limit defined once: its schema, its order check and its book state follow from it. */
export interface LimitDefinition<S extends z.ZodType = z.ZodType, D = string | number | null> {
  readonly title: string;
  readonly unit: 'base units' | 'quote currency' | 'fraction';
  readonly doc: string;
  /** Null: not limited unless set. */
  readonly default: D;
  readonly schema: S;
  readonly order: (context: OrderContext, threshold: Decimal) => OrderMeasure;
  /** Value of one position; absent when the limit is not about positions. Null when it needs a mark and there is none. */
  readonly position?: (quantity: Decimal, mark: Decimal | null) => Decimal | null;
  /** Value of the whole book; absent when the limit is not about the book. */
  readonly portfolio?: (drawdown: Decimal) => Decimal;
}

const define = <S extends z.ZodType, const D>(definition: LimitDefinition<S, D>) => definition;

/** Places to which the largest passing quantity is rounded down. */
const QUANTITY_PLACES = 8;

const roundDown = (x: Decimal, places = QUANTITY_PLACES) => x.toDecimalPlaces(places, Decimal.ROUND_DOWN);

/** A closing order passes; one that grows the position, or flips it, passes while the result is within the threshold. */
function positionMeasure(
  { size, closable, held }: OrderContext,
  unit: Decimal,
  threshold: Decimal,
): OrderMeasure {
  const value = held.plus(size).minus(closable).abs().times(unit);
  const maxQuantity = () =>
    Decimal.max(
      roundDown(roundDown(threshold.div(unit), MAX_DECIMAL_PLACES).minus(held).plus(closable)),
      ZERO,
    );
  return { value, passes: value.lte(threshold) || size.lte(closable), maxQuantity };
}

/** All limits by id. A new limit is one entry here and its cases in the test, which loops over this table. */
export const limitDefinitions = {
  max_position_quantity: define({
    title: 'Position quantity',
    unit: 'base units',
    doc: 'Largest absolute position in one symbol after the order, open orders on its side included.',
    default: null,
    schema: positiveDecimalSchema,
    order: (context, threshold) => positionMeasure(context, ONE, threshold),
    position: (quantity) => quantity.abs(),
  }),
  max_position_notional: define({
    title: 'Position notional',
    unit: 'quote currency',
    doc: 'Largest absolute value of one position after the order, at the reference price.',
    default: '250000',
    schema: positiveDecimalSchema,
    order: (context, threshold) => positionMeasure(context, context.price, threshold),
    position: (quantity, mark) => mark && quantity.times(mark).abs(),
  }),
  max_order_notional: define({
    title: 'Order notional',
    unit: 'quote currency',
    doc: 'Largest value of one order at the reference price; closing orders are bound by it too.',
    default: '150000',
    schema: positiveDecimalSchema,
    order: ({ size, price }, threshold) => {
      const value = size.times(price);
      return { value, passes: value.lte(threshold), maxQuantity: () => roundDown(threshold.div(price)) };
    },
  }),
  max_drawdown: define({
    title: 'Drawdown from peak equity',
    unit: 'fraction',
    doc: 'Largest fall of equity below its peak, as a fraction of the peak; beyond it only reducing orders pass.',
    default: 0.2,
    schema: z.number().positive().max(1),
    order: ({ size, closable, drawdown }, threshold) => {
      const within = drawdown.lte(threshold);
      return {
        value: drawdown,
        passes: within || size.lte(closable),
        maxQuantity: () => (within ? null : closable),
      };
    },
    portfolio: (drawdown) => drawdown,
  }),
};
export type LimitId = keyof typeof limitDefinitions;

/** The ids in the order in which checks report them. */
export const limitIds = Object.keys(limitDefinitions) as LimitId[];

type SchemaOf<T> =
  T extends LimitDefinition<infer S, infer D> ? (D extends null ? z.ZodOptional<S> : z.ZodDefault<S>) : never;

const shape = Object.fromEntries(
  limitIds.map((id) => {
    const { schema, unit, doc, default: value } = limitDefinitions[id] as LimitDefinition;
    const optional = value === null ? schema.optional() : schema.default(value);
    return [id, optional.describe(`${doc} Unit: ${unit}.`)];
  }),
) as unknown as { [K in LimitId]: SchemaOf<(typeof limitDefinitions)[K]> };

/** The limits of one portfolio; what is absent takes its default, unknown keys are refused. */
export const limitsSchema = z.strictObject(shape);
export type Limits = z.infer<typeof limitsSchema>;
