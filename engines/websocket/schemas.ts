// Requests and replies of the WebSocket engine. The frames of /ws are in lib/protocol.ts.
import { z } from 'zod';
import { BOARD_LIMITS } from './lib/board.ts';
import { MODEL_LIMITS } from './lib/model-board.ts';

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('connections in one reply'),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('connections to skip, in order of their opening'),
});
export type PageQuery = z.infer<typeof pageQuery>;

export const snapshotQuery = z.strictObject({
  bars: z.coerce
    .number()
    .int()
    .min(0)
    .max(BOARD_LIMITS.bars)
    .default(BOARD_LIMITS.bars)
    .describe('newest bars of each symbol'),
});
export type SnapshotQuery = z.infer<typeof snapshotQuery>;

export const fileParam = z.object({ file: z.string().min(1).max(64) });

const count = z.int().nonnegative();

export const connectionsReply = z.object({
  count: count.describe('open connections'),
  accepted: count.describe('connections since start'),
  refused: count.describe('handshakes refused since start'),
  messages_sent: count.describe('messages since start, once for each client'),
  messages_dropped: count.describe('messages since start that slow clients lost'),
  messages_conflated: count.describe(
    'messages since start that slow clients did not get because a newer one of the same series took their place',
  ),
  limit: count,
  offset: count,
  connections: z.array(
    z.object({
      connection_id: z.string(),
      remote_address: z.string(),
      connected_at_us: count,
      subscriptions: z.array(z.string()).describe('patterns'),
      messages_sent: count,
      messages_dropped: count,
      messages_conflated: count,
      buffered_bytes: count.describe('bytes that wait for the client'),
    }),
  ),
});

const column = z.array(z.number());
const body = z.record(z.string(), z.unknown());

const stride = count.describe('how many points came for each one that stays');

const engines = z.array(
  z.object({
    engine: z.string(),
    status: z.enum(['healthy', 'degraded', 'stopping', 'down', 'unknown']),
    port: count.nullable(),
    pid: z.int().nullable(),
    version: z.string().nullable(),
    uptime_s: z.number().nullable(),
    rss_bytes: count.nullable().describe('resident memory of its process'),
    missing: z.array(z.string()).describe('what it lacks when degraded'),
    silent_s: z.number().nullable().describe('seconds since it was last heard'),
  }),
);

/** Documents the snapshot; replies are not checked against it, which would cost more than making them. */
export const snapshotReply = z.object({
  version: z.string(),
  ts_us: count.describe('when the snapshot was taken'),
  engines,
  replay: z
    .object({
      session: z.string(),
      state: z.enum(['running', 'finished', 'aborted']),
      symbol: z.string(),
      portfolio_id: z.string(),
      strategy: z.string(),
      bars: count.describe('bars of the replay so far'),
    })
    .nullable(),
  symbols: z.array(
    z.object({
      symbol: z.string(),
      source: z.string().describe('simulated, replay or the name of a venue'),
      interval_us: count,
      bars: z
        .object({ ts_us: column, open: column, high: column, low: column, close: column, volume: column })
        .describe('columns of equal length, oldest first'),
    }),
  ),
  symbols_omitted: count.describe(`bars of symbols beyond the first ${BOARD_LIMITS.symbols}`),
  portfolios: z.array(
    z.object({
      portfolio_id: z.string(),
      valuation: body.nullable().describe('newest portfolio.valuations'),
      metrics: body.nullable().describe('newest analytics.metrics'),
      risk: body.nullable().describe('newest risk.portfolio_updates'),
      equity: z
        .object({ ts_us: column, value: column, stride })
        .describe(`equity in quote currency, oldest first, thinned to at most ${BOARD_LIMITS.curve} points`),
    }),
  ),
  signals: z.array(body).describe('newest strategy.signals without HOLD, newest first'),
  orders: z.array(body).describe('newest state of the newest orders, newest first'),
  fills: z.array(body).describe('newest fills, newest first'),
});

const losses = z.array(z.number().nullable());

/** Documents the snapshot of models, in the same way. */
export const modelSnapshotReply = z.object({
  version: z.string(),
  ts_us: count.describe('when the snapshot was taken'),
  engines,
  models: z.array(body).describe('newest ml.models of each model that was not deleted, by id'),
  trainings: z
    .array(
      z.looseObject({
        curve: z
          .object({ step: z.array(z.int()), loss: losses, validation_loss: losses, stride })
          .describe(`columns of equal length, oldest first, thinned to at most ${MODEL_LIMITS.curve} points`),
      }),
    )
    .describe('newest ml.training_updates of each training, newest first'),
  searches: z.array(body).describe('newest ml.search_updates of each search, newest first'),
  experiments: z.array(body).describe('newest ml.experiment_updates of each experiment, newest first'),
  monitors: z.array(body).describe('newest ml.drift_updates of each model, newest first'),
  predictions: z.array(body).describe('newest ml.predictions of each symbol, by symbol'),
  decisions: z.array(body).describe('newest ml.decisions, newest first'),
});
