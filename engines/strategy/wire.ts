// How orders look on the bus and in replies, and the way that a change takes there.
import type { StreamPublisher } from '../../src/bus/participant.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import type { Unit } from '../../src/bus/unit.ts';
import type { Order } from '../../src/trading/orders.ts';

export type OrderBody = BodyOf<typeof topics.orders>;
export type SignalBody = BodyOf<typeof topics.signals>;

/** An order with what the engine keeps beside it. */
export interface OrderRecord {
  readonly order: Order;
  /** Id of the message that began the chain of events which led to the order. */
  readonly correlationId: string;
}

/** Returns the event body of an order in its present state. */
export function orderBody(order: Order): OrderBody {
  return {
    order_id: order.order_id,
    portfolio_id: order.portfolio_id,
    strategy: order.strategy_id ?? null,
    symbol: order.symbol,
    side: order.side,
    type: order.type,
    quantity: order.quantity,
    limit_price: order.limit_price ?? null,
    status: order.status,
    reasons: order.reasons,
  };
}

/** Where a change goes: into the unit of work that stores it and then says it. */
export type Out = Pick<StreamPublisher, 'tx' | 'publish'>;

/** Returns the way out of a unit that a request began. */
export function outOf(unit: Unit): Out {
  return {
    tx: unit.tx,
    publish: (topic, body, tsEventUs, correlationId) => {
      unit.publish(topic, body, { tsEventUs, correlationId });
    },
  };
}

/** Says the present state of an order. `tsEventUs`: when it came into it. */
export function tellOrder(
  out: Out,
  { order, correlationId }: OrderRecord,
  tsEventUs = order.ts_event_us,
): void {
  out.publish(topics.orders, orderBody(order), tsEventUs, correlationId);
}
