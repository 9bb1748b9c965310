// Says valuations on the bus of a running system, as the portfolio engine does, and compares what was measured.
import { expect } from 'bun:test';
import definition from '../../engines/analytics/index.ts';
import { Bus } from '../../src/bus/client.ts';
import { topics } from '../../src/bus/topics.ts';
import { processTransport } from '../../src/cli/transport.ts';
import { loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';
import { TestEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import type { TestSystem } from './system.ts';

const START_US = 1_640_991_660_000_000;
const MINUTE_US = 60_000_000;
const EVERY_MS = 20;
/** They fall into all partitions. */
const PORTFOLIOS = Array.from({ length: 24 }, (_, i) => `portfolio_${i}`);

/** Returns the valuation of portfolio `i` at `minute`, any time it is asked for. */
function valuation(i: number, minute: number) {
  const equity = 1000 + ((minute * (i + 7)) % 31) + i;
  return {
    portfolio_id: PORTFOLIOS[i]!,
    starting_cash: '1000',
    cash: '500',
    fees: '1.5',
    realised_pnl: '2.25',
    unrealised_pnl: '3',
    equity: String(equity),
    fills: 1,
    positions: [],
  };
}

function say(bus: Bus, minute: number): void {
  for (const i of PORTFOLIOS.keys()) {
    bus.publish(topics.valuations, valuation(i, minute), { tsEventUs: START_US + minute * MINUTE_US });
  }
}

interface Listed {
  readonly portfolios: readonly { readonly ts_event_us: number; readonly observations: number }[];
}

interface Page {
  readonly points: readonly object[];
  readonly next_from_us: number | null;
}

async function json<T>(url: string, method = 'GET'): Promise<T> {
  const reply = await fetch(url, { method });
  expect([url, reply.status]).toEqual([url, 200]);
  return (await reply.json()) as T;
}

const listed = (url: string) => json<Listed>(`${url}/analytics?limit=100`);

async function curveOf(url: string, id: string): Promise<object[]> {
  const points: object[] = [];
  for (let from: number | null = 0; from !== null; ) {
    const page: Page = await json(`${url}/analytics/${id}/equity?limit=1000&from_us=${from}`);
    points.push(...page.points);
    from = page.next_from_us;
  }
  return points;
}

/** Everything that an engine answers about the portfolios. */
async function measured(url: string) {
  const all = PORTFOLIOS.map(async (id) => {
    const figures = await json<object>(`${url}/analytics/calculate/${id}`, 'POST');
    return { curve: await curveOf(url, id), figures: { ...figures, processing_time_ms: 0 } };
  });
  return { listed: await listed(url), portfolios: await Promise.all(all) };
}

/** A stream of valuations: one of each portfolio every few milliseconds, each at its own event time. */
export class Valuations {
  minutes = 0;
  readonly #bus: Bus;
  readonly #timer: ReturnType<typeof setInterval>;

  private constructor(bus: Bus) {
    this.#bus = bus;
    this.#timer = setInterval(() => say(bus, this.minutes++), EVERY_MS);
  }

  static async start(system: TestSystem): Promise<Valuations> {
    const config = loadConfig({ ...system.env, NAUTILUS_HUB_SOCKET: `${system.dataDir}/run/hub.sock` });
    const bus = new Bus(
      'portfolio',
      await processTransport(config, 'portfolio', createLog('test', 'silent')),
    );
    await eventually(() => bus.connected, 'the bus of the test');
    return new Valuations(bus);
  }

  async more(minutes: number): Promise<void> {
    const goal = this.minutes + minutes;
    await eventually(() => this.minutes >= goal, `${minutes} more valuations`);
  }

  /** Ends the stream and makes sure that `port` answers for every portfolio what one engine without replicas does. */
  async compare(port: number): Promise<void> {
    clearInterval(this.#timer);
    this.#bus.flush();
    const alone = await TestEngine.start(definition);
    for (let minute = 0; minute < this.minutes; minute++) say(alone.bus, minute);
    const arrived = (url: string) => async () => {
      const { portfolios } = await listed(url);
      const last = START_US + (this.minutes - 1) * MINUTE_US;
      return portfolios.length === PORTFOLIOS.length && portfolios.every((p) => p.ts_event_us === last);
    };
    const url = `http://127.0.0.1:${port}`;
    await eventually(arrived(alone.url), 'the newest points of the single engine');
    await eventually(arrived(url), 'the newest points of the replicas');
    const expected = await measured(alone.url);
    expect(expected.listed.portfolios.map((p) => p.observations)).toEqual(PORTFOLIOS.map(() => this.minutes));
    expect(await measured(url)).toEqual(expected);
    await alone.stop();
    await this.#bus.close();
  }
}
