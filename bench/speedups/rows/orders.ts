// Orders: from the request to the checked and stored order, one by one and many together, against the monolith.
import { join } from 'node:path';
import { type Bench, measure, type RowResult } from '../measure.ts';
import { type OrderCommand, type OrderMessage, orderAt } from '../order-server.ts';

const CONNECTIONS = 32;

/** One of the two servers, in a process of its own. */
class OrderServer {
  #receive: (message: OrderMessage) => void = () => {};
  readonly #child: Bun.Subprocess;
  url = '';
  #sent = 0;

  private constructor(kind: 'engine' | 'monolith') {
    this.#child = Bun.spawn([process.execPath, join(import.meta.dir, '../order-server.ts'), kind], {
      env: { ...process.env, NODE_ENV: 'production', TEST_DATABASE_URL: '' },
      stdout: 'ignore',
      stderr: 'inherit',
      ipc: (message: OrderMessage) => this.#receive(message),
    });
  }

  static async start(kind: 'engine' | 'monolith'): Promise<OrderServer> {
    const server = new OrderServer(kind);
    const hello = await server.#reply();
    if (!('url' in hello)) throw new Error(`the ${kind} did not start`);
    server.url = hello.url;
    return server;
  }

  async #reply(): Promise<OrderMessage> {
    const message = new Promise<OrderMessage>((resolve) => (this.#receive = resolve));
    const ended = this.#child.exited.then((code): OrderMessage => {
      throw new Error(`an order server ended with ${code}`);
    });
    return Promise.race([message, ended]);
  }

  async #ask(command: OrderCommand): Promise<OrderMessage> {
    const reply = this.#reply();
    this.#child.send(command);
    return reply;
  }

  async #post(at: number): Promise<void> {
    const response = await fetch(`${this.url}/orders`, {
      method: 'POST',
      body: JSON.stringify(orderAt(at)),
      headers: { 'content-type': 'application/json' },
    });
    const body = await response.text();
    if (response.status !== 201)
      throw new Error(`Expected 201 for an order, was ${response.status}: ${body}`);
  }

  /** Resolves to the nanoseconds of `count` orders over HTTP, `connections` at once; fills them afterwards. */
  async overHttp(count: number, connections: number): Promise<number> {
    const start = Bun.nanoseconds();
    let next = 0;
    const client = async () => {
      while (next < count) await this.#post(next++);
    };
    await Promise.all(Array.from({ length: connections }, client));
    const ns = Bun.nanoseconds() - start;
    await this.#settle(count);
    return ns;
  }

  /** The same by the service itself, as strategies call it. */
  async within(count: number, together: boolean): Promise<number> {
    const reply = await this.#ask({ place: count, together });
    await this.#settle(count);
    return 'ns' in reply ? reply.ns : Number.NaN;
  }

  // Every order that was timed has to be there; the next sample begins with none open.
  async #settle(count: number): Promise<void> {
    this.#sent += count;
    const reply = await this.#ask({ fill: true });
    const filled = 'filled' in reply ? reply.filled : -1;
    if (filled !== this.#sent) throw new Error(`Expected ${this.#sent} filled orders, was ${filled}`);
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await this.#child.exited;
  }
}

async function withServers<R>(body: (engine: OrderServer, monolith: OrderServer) => Promise<R>): Promise<R> {
  const engine = await OrderServer.start('engine');
  const monolith = await OrderServer.start('monolith');
  try {
    // Compiled code on both sides before anything is timed.
    await engine.within(1000, true);
    await engine.overHttp(500, 4);
    await monolith.overHttp(500, 4);
    return await body(engine, monolith);
  } finally {
    await Promise.all([engine.stop(), monolith.stop()]);
  }
}

const NOTE =
  'Before: one process, JSON over HTTP, limits checked in SQL, one transaction for each order, one order after the other (SQLite, WAL). Now: the strategy engine on SQLite with the same durability; an order is checked, and stored together with its event. ';

export function orderExecution(bench: Bench): Promise<RowResult> {
  const count = bench.quick ? 50 : 200;
  return withServers(async (engine, monolith) => {
    const before = { measureNs: async () => (await monolith.overHttp(count, 1)) / count };
    return {
      note: `${NOTE}Strategies run in the engine's process, so that their orders take no HTTP; an order from outside does. Each sample is the mean of ${count} orders, each sent when the one before was answered.`,
      measurements: await measure(bench, {
        workload: 'One market order of a strategy: limits checked, order and event stored',
        now: { measureNs: async () => (await engine.within(count, false)) / count },
        also: [
          {
            workload: 'The same order from outside, by POST /orders',
            now: { measureNs: async () => (await engine.overHttp(count, 1)) / count },
          },
        ],
        before,
        beforeName: 'the monolith',
      }),
    };
  });
}

export function throughput(bench: Bench): Promise<RowResult> {
  const count = bench.quick ? 500 : 2000;
  return withServers(async (engine, monolith) => {
    const measurements = await measure(bench, {
      workload: `${count.toLocaleString('en-US')} market orders of strategies at once: limits checked, orders and events stored`,
      now: { measureNs: () => engine.within(count, true) },
      also: [
        {
          workload: `The same orders from outside, by POST /orders over ${CONNECTIONS} connections`,
          now: { measureNs: () => engine.overHttp(count, CONNECTIONS) },
        },
      ],
      beforeName: 'the monolith',
      before: { measureNs: () => monolith.overHttp(count, CONNECTIONS) },
    });
    const rate = (ms: number | null) =>
      Math.round(count / ((ms ?? Number.NaN) / 1000)).toLocaleString('en-US');
    const { before_ms, now_ms } = measurements[0]!;
    return {
      note: `${NOTE}Orders a second: ${rate(before_ms)} before, over ${CONNECTIONS} connections; ${rate(now_ms)} now. Orders that come together share their transactions.`,
      measurements,
    };
  });
}
