// What must hold after all faults: nothing that was promised is missing, nothing happened twice, every book says the same.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { EventLog, LogPlace } from '../../src/bus/event-log.ts';
import { PARTITIONS } from '../../src/bus/partition.ts';
import { Ledger } from '../../src/trading/ledger.ts';
import type { Fill } from '../../src/trading/orders.ts';
import { eventually } from '../support/eventually.ts';
import type { Load } from './load.ts';
import { curves, sumsAreRight } from './witness.ts';
import type { World } from './world.ts';

interface Stream {
  readonly topic: string;
  readonly partition: number;
}

interface Events {
  readonly produced: readonly (Stream & { readonly last: number; readonly sent: number | null })[];
  readonly consumed: readonly (Stream & { readonly position: number })[];
  readonly counts: { readonly lost: number };
  readonly parked: number;
}

/** What was counted. Every number but the first four has to be 0. */
export interface Verdict {
  readonly acknowledged: number;
  readonly orders: number;
  readonly fills: number;
  readonly events: number;
  /** Acknowledged orders that nobody knows. */
  readonly lost_orders: number;
  /** Fills of the strategy engine that the portfolio engine does not have. */
  readonly lost_fills: number;
  /** Fills that are there twice, or that nobody has made. */
  readonly doubled_fills: number;
  /** Fills that are not in the event log exactly once, and events of fills that nobody has made. */
  readonly wrong_events: number;
  /** Portfolios whose cash or positions differ from what the fills of the event log make. */
  readonly wrong_ledgers: number;
  /** Filled orders that do not have exactly one fill. */
  readonly wrong_orders: number;
  /** Orders that are open in one engine and not in the other. */
  readonly wrong_open_orders: number;
  /** Fills without exactly one event of the position that they made. */
  readonly wrong_positions: number;
  /** Events that were set aside, less those that a fault has poisoned. */
  readonly dead_letters: number;
  readonly lost_events: number;
  /** Portfolios whose performance, as the replicas have summed it up, is not that of their equity curve. */
  readonly wrong_curves: number;
}

const DURABLE = ['strategy', 'portfolio', 'risk'] as const;
const CONSUMERS: Readonly<Record<string, string>> = {
  'strategy.fills': 'portfolio',
  'strategy.orders': 'risk',
  'risk.limits': 'strategy',
};

/** Names of what a verdict counts as broken, with how often. */
export function broken(verdict: Verdict): string[] {
  return Object.entries(verdict)
    .filter(([name, n]) => !['acknowledged', 'orders', 'fills', 'events'].includes(name) && n > 0)
    .map(([name, n]) => `${name} ${n}`);
}

/** Waits until everything that was stored has arrived; the load must have ended. */
export async function settled(world: World, timeoutMs = 60_000): Promise<void> {
  // A primary that was replaced takes events until it is told, and the engines that it keeps do not know that these are lost.
  await world.group?.whole();
  await world.healthy(timeoutMs);
  const log = await world.eventLog();
  let last = '';
  await eventually(
    async () => {
      // The market goes on and fills what is open; until then the books move.
      const { body } = await world.request('strategy', '/orders?status=accepted&limit=1');
      if (body.orders.length > 0) last = 'an order is open';
      else {
        const all = await allEvents(world);
        last = behind(all) || (await missing(log, all));
      }
      return last === '';
    },
    'every order is filled and every event has been consumed',
    timeoutMs,
  )
    .catch((error) => {
      throw new Error(`${error.message}: ${last}\n${world.tail()}`);
    })
    .finally(() => log.close());
}

/** What the log does not hold, whatever the owners take for sent. */
async function missing(log: EventLog, all: ReadonlyMap<string, Events>): Promise<string> {
  for (const { topic, partition, last } of [...all.values()].flatMap((events) => events.produced)) {
    const bounds = await log.bounds({ topic, partition });
    if (bounds.last !== last) return `the log has ${bounds.last} of ${last} of ${topic}/${partition}`;
  }
  return '';
}

async function allEvents(world: World): Promise<Map<string, Events>> {
  const said = DURABLE.map(async (name) => [name, (await world.request(name, '/events')).body] as const);
  return new Map(await Promise.all(said));
}

function behind(all: ReadonlyMap<string, Events>): string {
  for (const [owner, { produced }] of all) {
    for (const { topic, partition, last, sent } of produced) {
      if (sent !== last) return `${owner} has sent ${sent} of ${last} of ${topic}/${partition}`;
      const consumer = CONSUMERS[topic];
      if (consumer === undefined) continue;
      const place = all.get(consumer)!.consumed.find((c) => c.topic === topic && c.partition === partition);
      if (place?.position !== last) {
        return `${consumer} has ${place?.position ?? 'nothing'} of ${last} of ${topic}/${partition}`;
      }
    }
  }
  return '';
}

/** Compares the engines with each other and with what was promised; again when a strategy has traded by itself meanwhile. */
export async function verify(world: World, load: Load): Promise<Verdict> {
  for (let left = 10; ; left--) {
    const verdict = await compare(world, load);
    const orders = (await pages(world, '/orders', 'orders')).length;
    const fills = (await pages(world, '/fills', 'fills')).length;
    if ((orders === verdict.orders && fills === verdict.fills) || left === 0) return verdict;
    await settled(world);
  }
}

async function compare(world: World, load: Load): Promise<Verdict> {
  const orders = await pages<{ order_id: string; portfolio_id: string; status: string }>(
    world,
    '/orders',
    'orders',
  );
  const known = new Map(orders.map((order) => [order.order_id, order]));
  const made = await pages<Fill>(world, '/fills', 'fills');
  const ids = new Set(made.map((fill) => `${fill.portfolio_id}/${fill.fill_id}`));
  const logged = await fillsOfLog(world);
  const inLog = Map.groupBy(logged, (fill) => `${fill.portfolio_id}/${fill.fill_id}`);
  const wrongEvents =
    [...ids].filter((key) => inLog.get(key)?.length !== 1).length +
    [...inLog.keys()].filter((key) => !ids.has(key)).length;
  let booked = 0;
  let doubled = made.length - ids.size;
  let wrongLedgers = 0;
  const seen = new Set<string>();
  // Also those that strategies trade by themselves meanwhile.
  const { body: listed } = await world.request('portfolio', '/portfolios?limit=1000');
  for (const { portfolio_id: id } of listed.portfolios as readonly { portfolio_id: string }[]) {
    const fills = await portfolioFills(world, id);
    booked += fills.length;
    for (const fill of fills) {
      const key = `${id}/${fill.fill_id}`;
      if (seen.has(key) || !ids.has(key)) doubled++;
      seen.add(key);
    }
    const own = logged.filter((fill) => fill.portfolio_id === id);
    if (!(await sameLedger(world, id, own))) wrongLedgers++;
  }
  const fillsOf = Map.groupBy(made, (fill) => fill.order_id);
  const wrongOrders = orders.filter(
    ({ order_id, status }) => (fillsOf.get(order_id)?.length ?? 0) !== (status === 'filled' ? 1 : 0),
  );
  const open = orders.filter((order) => order.status === 'accepted').length;
  const risk = (await world.request('risk', '/system/status')).body as { open_orders: number };
  const all = await allEvents(world);
  const sum = (of: Events, topic: string) =>
    of.produced.filter((p) => p.topic === topic).reduce((n, p) => n + p.last, 0);
  const each = [...all.values()];
  return {
    acknowledged: load.acknowledged.length,
    orders: orders.length,
    fills: made.length,
    events: each.flatMap((e) => e.produced).reduce((n, p) => n + p.last, 0),
    lost_orders: load.acknowledged.filter((id) => !known.has(id)).length,
    lost_fills: made.filter((fill) => !seen.has(`${fill.portfolio_id}/${fill.fill_id}`)).length,
    doubled_fills: doubled,
    wrong_events: wrongEvents,
    wrong_ledgers: wrongLedgers,
    wrong_orders: wrongOrders.length,
    wrong_open_orders: Math.abs(open - risk.open_orders),
    wrong_positions: Math.abs(booked - sum(all.get('portfolio')!, 'portfolio.positions')),
    dead_letters: Math.abs(each.reduce((n, e) => n + e.parked, 0) - world.poisoned),
    lost_events: each.reduce((n, e) => n + e.counts.lost, 0),
    wrong_curves: (await curves(world)).filter((curve) => !sumsAreRight(curve)).length,
  };
}

async function pages<T>(world: World, path: string, list: string): Promise<T[]> {
  const all: T[] = [];
  let cursor: number | null = null;
  do {
    const from = cursor === null ? '' : `&cursor=${cursor}`;
    const { body } = await world.request('strategy', `${path}?limit=1000${from}`);
    all.push(...(body[list] as T[]));
    cursor = body.next_cursor as number | null;
  } while (cursor !== null);
  return all;
}

async function portfolioFills(world: World, id: string): Promise<Fill[]> {
  const all: (Fill & { seq: number })[] = [];
  for (;;) {
    const after = all.at(-1)?.seq ?? 0;
    const { body } = await world.request('portfolio', `/portfolios/${id}/fills?limit=1000&after=${after}`);
    all.push(...body.fills);
    if (body.fills.length < 1000) return all;
  }
}

/** The fills that the event log holds, in the order of their positions. */
async function fillsOfLog(world: World): Promise<Fill[]> {
  const log = await world.eventLog();
  try {
    const fills: Fill[] = [];
    let places: LogPlace[] = Array.from({ length: PARTITIONS }, (_, partition) => {
      return { topic: 'strategy.fills', partition, generation: '', position: 0 };
    });
    for (;;) {
      const batches = await log.read(places, { maxEvents: 1000, waitMs: 0 });
      if (batches.length === 0) return fills;
      const byPartition = new Map(batches.map((batch) => [batch.partition, batch]));
      for (const { events } of batches) {
        for (const { payload } of events) {
          const envelope = payload.startsWith('{broken') ? null : (JSON.parse(payload) as Envelope<Fill>);
          if (envelope?.version === 1) fills.push(envelope.body);
        }
      }
      places = places.map((place) => {
        const batch = byPartition.get(place.partition);
        if (!batch) return place;
        return { ...place, generation: batch.generation, position: batch.events.at(-1)!.position };
      });
    }
  } finally {
    await log.close();
  }
}

/** Whether cash, fees, realised profit and quantities are those that the fills make from nothing. */
async function sameLedger(world: World, id: string, fills: readonly Fill[]): Promise<boolean> {
  const { body } = await world.request('portfolio', `/portfolios/${id}`);
  const ledger = new Ledger(id, body.starting_cash);
  for (const fill of fills) ledger.apply(fill);
  const want = ledger.snapshot();
  const quantities = (positions: readonly { symbol: string; quantity: string }[]) =>
    JSON.stringify(
      positions
        .filter((p) => Number(p.quantity) !== 0)
        .map((p) => [p.symbol, p.quantity])
        .sort(),
    );
  return (
    body.cash === want.cash &&
    body.fees === want.fees &&
    body.realised_pnl === want.realised_pnl &&
    quantities(body.positions) === quantities(want.positions)
  );
}
