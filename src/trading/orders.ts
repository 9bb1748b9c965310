// Orders and fills: the shapes that strategies, the pre-trade check, venues and the ledger exchange.
import { z } from 'zod';
import { decimalTextSchema, positiveDecimalSchema } from './decimal.ts';

const id = z.string().min(1).max(128);
const symbol = z.string().min(1).max(64);
const tsEventUs = z.int().nonnegative().describe('Microseconds since the epoch');

export const sideSchema = z.enum(['buy', 'sell']);
export type Side = z.infer<typeof sideSchema>;

export const orderTypeSchema = z.enum(['market', 'limit']);
export const orderStatusSchema = z.enum(['accepted', 'rejected', 'filled', 'cancelled']);
export type OrderStatus = z.infer<typeof orderStatusSchema>;

type PricedOrder = { readonly type: 'market' | 'limit'; readonly limit_price?: string | undefined };
const priceFitsType = (order: PricedOrder) => (order.type === 'limit') === (order.limit_price !== undefined);
const priceRule = {
  path: ['limit_price'],
  message: 'Expected limit_price for a limit order and none for a market order',
};

/**
 * What a caller asks for. `quantity` is in base units and above zero (the side carries the sign); `limit_price` is in
 * quote currency, present for limit orders only. Decimals come as strings or numbers and leave as canonical strings.
 * Unknown keys are refused.
 */
export const orderRequestSchema = z
  .strictObject({
    portfolio_id: id,
    symbol,
    side: sideSchema,
    quantity: positiveDecimalSchema,
    type: orderTypeSchema,
    limit_price: positiveDecimalSchema.optional(),
  })
  .refine(priceFitsType, priceRule);
export type OrderRequest = z.infer<typeof orderRequestSchema>;

/** An order as events, replies and storage hold it; `reasons` says why it was rejected, in words, else it is empty. */
export const orderSchema = z
  .object({
    order_id: id,
    portfolio_id: id,
    symbol,
    side: sideSchema,
    quantity: decimalTextSchema,
    type: orderTypeSchema,
    limit_price: decimalTextSchema.optional(),
    status: orderStatusSchema,
    reasons: z.array(z.string()),
    ts_event_us: tsEventUs,
    strategy_id: id.optional(),
  })
  .refine(priceFitsType, priceRule);
export type Order = z.infer<typeof orderSchema>;

/** An execution. `price` and `fee` are in quote currency; a negative fee is a rebate. */
export const fillSchema = z.object({
  fill_id: id,
  order_id: id,
  portfolio_id: id,
  symbol,
  side: sideSchema,
  quantity: decimalTextSchema,
  price: decimalTextSchema,
  fee: decimalTextSchema,
  ts_event_us: tsEventUs,
});
export type Fill = z.infer<typeof fillSchema>;
