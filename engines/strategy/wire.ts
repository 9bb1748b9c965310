// How orders look on the bus and in replies, and what waits to be published until its batch is stored.
import { type BodyOf, type Topic, topics } from '../../src/bus/topics.ts';
import type { Fill, Order } from '../../src/trading/orders.ts';

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

type Publish = <Body>(topic: Topic<Body>, body: Body, tsEventUs: number, correlationId: string) => void;

/** Events of one batch, kept back until the batch is stored: what was never stored is never told. */
export class Outbox {
  #events: ((publish: Publish) => void)[] = [];

  signal(body: SignalBody, tsEventUs: number, correlationId: string): void {
    this.#events.push((publish) => publish(topics.signals, body, tsEventUs, correlationId));
  }

  /** `tsEventUs`: when the order came into its present state. */
  order({ order, correlationId }: OrderRecord, tsEventUs = order.ts_event_us): void {
    this.#events.push((publish) => publish(topics.orders, orderBody(order), tsEventUs, correlationId));
  }

  fill(fill: Fill, correlationId: string): void {
    this.#events.push((publish) => publish(topics.fills, fill, fill.ts_event_us, correlationId));
  }

  /** Publishes everything in the order in which it came. */
  drain(publish: Publish): void {
    if (this.#events.length === 0) return;
    const events = this.#events;
    this.#events = [];
    for (const event of events) event(publish);
  }

  clear(): void {
    this.#events = [];
  }
}
