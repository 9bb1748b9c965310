// Requests and replies of the Strategy engine.
import { z } from 'zod';
import { decimalTextSchema } from '../../src/trading/decimal.ts';
import {
  fillSchema,
  orderRequestSchema,
  orderStatusSchema,
  orderTypeSchema,
  sideSchema,
} from '../../src/trading/orders.ts';

const id = z.string().min(1).max(128);
const symbol = z.string().min(1).max(64).describe('instrument, such as SIM-BTC');
const tsEventUs = z.int().describe('microseconds since the epoch, in the time of the market');

const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('most items in the reply'),
  cursor: z.coerce.number().int().min(1).optional().describe('next_cursor of the page before'),
};
const portfolioId = id.optional().describe('of this portfolio only');
const nextCursor = z.int().nullable().describe('cursor of the next, older page; null on the last one');

export const deploymentParam = z.object({ id });
export const orderParam = z.object({ order_id: id });
export const pageQuery = z.object({ portfolio_id: portfolioId, ...page });
export const ordersQuery = z.object({
  portfolio_id: portfolioId,
  status: orderStatusSchema.optional().describe('in this state only'),
  ...page,
});
export type OrdersQuery = z.infer<typeof ordersQuery>;
export type PageQuery = Omit<OrdersQuery, 'status'>;

export const strategyList = z.object({
  strategies: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      description: z.string(),
      features: z.array(z.string()).describe('features read with the default options'),
      reads_prediction: z.boolean().describe('whether it decides on ml.predictions'),
      options: z
        .record(z.string(), z.unknown())
        .describe('JSON schema of each option, with default and range'),
    }),
  ),
});

export const deploymentRequest = z.strictObject({
  strategy: id.describe('id as listed by GET /strategies'),
  symbol,
  portfolio_id: id,
  options: z.record(z.string(), z.unknown()).default({}).describe('as listed by GET /strategies'),
});
export type DeploymentRequest = z.infer<typeof deploymentRequest>;

export const deploymentReply = z.object({
  deployment_id: z.string(),
  strategy: z.string(),
  symbol: z.string(),
  portfolio_id: z.string(),
  options: z.record(z.string(), z.unknown()).describe('all options, defaults filled in'),
  target: z.enum(['long', 'flat']).describe('what its last signal wanted to hold'),
  bars: z.int().describe('bars seen since the engine started'),
  last_bar_ts_us: tsEventUs.nullable().describe('event time of the last bar seen'),
  created_ts_us: z.int().describe('when it was made: microseconds since the epoch'),
});

export const deploymentList = z.object({ deployments: z.array(deploymentReply) });

/** `type` is `market` when absent; otherwise the order request of the trading library. */
export const orderRequest = z
  .strictObject({ ...orderRequestSchema.shape, type: orderTypeSchema.default('market') })
  .refine(({ type, limit_price }) => (type === 'limit') === (limit_price !== undefined), {
    path: ['limit_price'],
    message: 'Expected limit_price for a limit order and none for a market order',
  });

const order = z.object({
  order_id: z.string(),
  portfolio_id: z.string(),
  strategy: z.string().nullable().describe('null for an order sent by request'),
  symbol: z.string(),
  side: sideSchema,
  type: orderTypeSchema,
  quantity: decimalTextSchema.describe('base units, above 0'),
  limit_price: decimalTextSchema.nullable().describe('quote currency; null for a market order'),
  status: orderStatusSchema,
  reasons: z.array(z.string()).describe('why it was rejected'),
  ts_event_us: tsEventUs.describe('event time of the bar after which it was made; later bars fill it'),
});

export const orderReply = order.extend({ processing_time_ms: z.number() });
export const orderList = z.object({
  orders: z.array(order).describe('newest first'),
  next_cursor: nextCursor,
});
export const fillList = z.object({
  fills: z.array(fillSchema).describe('newest first'),
  next_cursor: nextCursor,
});
export const signalList = z.object({
  signals: z
    .array(
      z.object({
        portfolio_id: z.string(),
        strategy: z.string(),
        symbol: z.string(),
        signal: z.enum(['BUY', 'SELL', 'HOLD']),
        price: z.number().describe('close of the bar, quote currency'),
        reason: z.string(),
        ts_event_us: tsEventUs,
      }),
    )
    .describe('newest first; the engine remembers its last 1000, not beyond a restart'),
  next_cursor: nextCursor,
});
