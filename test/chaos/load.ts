// Trading under faults: orders from several clients at once, with a record of what was acknowledged.
import { eventually } from '../support/eventually.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const SYMBOLS = ['SIM-BTC', 'SIM-ETH', 'SIM-SOL', 'SIM-GOLD'];
const CLIENTS = 4;
const PAUSE_MS = 25;

/** What a run has asked for and what was promised. */
export class Load {
  readonly portfolios: readonly string[];
  /** Orders that the engine has confirmed: they must never be missing. */
  readonly acknowledged: string[] = [];
  /** Requests without an answer: their orders may exist or not. */
  unanswered = 0;
  refused = 0;
  /** Limit changes that were confirmed. */
  limits = 0;
  readonly #world: World;
  readonly #random: Random;
  #running = false;
  #clients: Promise<void>[] = [];

  constructor(world: World, random: Random, portfolios = 5) {
    this.#world = world;
    this.#random = random;
    this.portfolios = Array.from({ length: portfolios }, (_, i) => `chaos_${i}`);
  }

  /** Makes the portfolios and waits until orders for them are taken. */
  async prepare(): Promise<void> {
    for (const portfolio_id of this.portfolios) {
      const body = { portfolio_id, name: portfolio_id, starting_cash: '1000000' };
      const { status } = await this.#world.post('portfolio', '/portfolios', body);
      if (status !== 201) throw new Error(`POST /portfolios: ${status}`);
    }
    await eventually(
      async () => {
        for (const id of this.portfolios) {
          const { status } = await this.#world.request('strategy', `/orders?portfolio_id=${id}`);
          if (status !== 200) return false;
        }
        const bar = await this.#world.post('strategy', '/orders', this.#order());
        if (bar.status < 300) this.acknowledged.push(bar.body.order_id);
        return bar.status < 300;
      },
      'the strategy engine takes orders',
      20_000,
    );
  }

  start(): void {
    this.#running = true;
    this.#clients = Array.from({ length: CLIENTS }, () => this.#trade());
    this.#clients.push(this.#changeLimits());
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  #order() {
    const random = this.#random;
    const portfolio_id = random.pick(this.portfolios);
    const side = random.chance(0.5) ? 'buy' : 'sell';
    return { portfolio_id, symbol: random.pick(SYMBOLS), side, quantity: '0.1', type: 'market' };
  }

  async #trade(): Promise<void> {
    while (this.#running) {
      try {
        const { status, body } = await this.#world.post('strategy', '/orders', this.#order());
        if (status < 300) this.acknowledged.push(body.order_id);
        else if (status < 500) this.refused++;
        else this.unanswered++;
      } catch {
        this.unanswered++;
        await Bun.sleep(100);
      }
      await Bun.sleep(PAUSE_MS);
    }
  }

  async #changeLimits(): Promise<void> {
    while (this.#running) {
      const id = this.#random.pick(this.portfolios);
      const limit = 1_000_000 + this.#random.below(1_000_000);
      try {
        const body = { max_order_notional: String(limit) };
        const { status } = await this.#world.post('risk', `/limits/${id}`, body, 'PUT');
        if (status < 300) this.limits++;
      } catch {
        // It is away at the moment.
      }
      await Bun.sleep(300);
    }
  }
}
