// Runs the Strategy engine in a test on a live market that the test moves bar by bar.

import definition from '../../engines/strategy/index.ts';
import { featuresOf, predictionOf } from '../../engines/strategy/test-chain.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { FeatureStream } from '../../src/indicators/index.ts';
import type { Bar } from '../../src/market/bar.ts';
import { TestEngine, walkBars } from './engine.ts';
import { eventually } from './eventually.ts';

export const SYMBOL = 'SIM-BTC';
export const PORTFOLIO = 'p1';
export const BUY = { portfolio_id: PORTFOLIO, symbol: SYMBOL, side: 'buy', quantity: '2' };

/** A running Strategy engine and the market around it. */
export class LiveMarket {
  readonly bars = walkBars(SYMBOL, 400);
  readonly #stream = new FeatureStream();
  #sent = 0;
  #joined = 0;

  constructor(public engine: TestEngine) {}

  static async start(env: Record<string, string> = {}): Promise<LiveMarket> {
    return new LiveMarket(await TestEngine.start(definition, env));
  }

  async restart(env: Record<string, string> = {}): Promise<void> {
    await this.engine.restart(definition, env);
    this.#joined = 0;
  }

  /** Goes on with another engine, which has seen no bar yet. */
  moveTo(engine: TestEngine): void {
    this.engine = engine;
    this.#joined = 0;
  }

  publish(bar: Bar, partners = true): void {
    const { bus } = this.engine;
    const meta = { tsEventUs: bar.ts_event_us };
    bus.publish(topics.marketLiveData, { ...bar, source: 'test' }, meta);
    if (!partners) return;
    const features = featuresOf(this.#stream, bar);
    bus.publish(topics.featureValues, features, meta);
    bus.publish(topics.mlPredictions, predictionOf(features), meta);
  }

  /** Publishes the next bar with its partners and returns it once the engine has joined it and stored what it caused. */
  async advance(): Promise<Bar> {
    const bar = this.bars[this.#sent++]!;
    this.publish(bar);
    this.#joined++;
    await eventually(async () => (await this.status()).bars === this.#joined, `${this.#joined} joined bars`);
    // A change waits for the one before it.
    await this.engine.send('DELETE', '/orders/none');
    return bar;
  }

  // Status replies have many shapes.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  async status(): Promise<any> {
    return (await this.engine.get('/system/status')).body;
  }

  /** Publishes the valuation of a portfolio that the engine does not know yet. */
  async tellPortfolio(over: Partial<BodyOf<typeof topics.valuations>> = {}): Promise<void> {
    const known = (await this.status()).portfolios;
    this.engine.bus.publish(topics.valuations, {
      portfolio_id: PORTFOLIO,
      starting_cash: '1000000',
      cash: '1000000',
      fees: '0',
      realised_pnl: '0',
      unrealised_pnl: '0',
      equity: '1000000',
      fills: 0,
      positions: [],
      ...over,
    });
    await eventually(async () => (await this.status()).portfolios > known, 'the portfolio is known');
  }

  /** Sets limits and waits until they refuse `order`. */
  async setLimits(limits: Record<string, unknown>, order: object): Promise<void> {
    await this.engine.append(topics.riskLimits, { portfolio_id: PORTFOLIO, limits });
    // An order of the time before they were is taken back.
    const refuses = async () => {
      const { status, body } = await this.engine.post('/orders', order);
      if (status === 422) return true;
      await this.engine.send('DELETE', `/orders/${body.order_id}`);
      return false;
    };
    await eventually(refuses, 'the limits are in force');
  }
}
