// Nothing that was traded is lost or counted twice, whichever engine is killed: the ledgers of strategy and portfolio agree.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { Ledger } from '../../src/trading/ledger.ts';
import type { Fill } from '../../src/trading/orders.ts';
import { eventually } from '../support/eventually.ts';
import { type EngineStore, STORES } from '../support/stores.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const ID = 'portfolio_001';
const ORDER = { portfolio_id: ID, symbol: 'SIM-BTC', side: 'buy', quantity: '0.01' };

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`the system on ${name}`, () => {
    let store: EngineStore;
    let system: TestSystem;
    beforeAll(async () => {
      store = await start();
      const env = { ...store.env(), NAUTILUS_FEED: 'simulated', NAUTILUS_FEED_INTERVAL_MS: '20' };
      system = await TestSystem.start([], env);
      await takesOrders();
    });
    afterAll(async () => {
      await system?.stop();
      await store?.stop();
    });

    const takesOrders = () =>
      eventually(
        async () => (await system.post('strategy', '/orders', ORDER)).status === 201,
        'orders are taken',
      );
    const fillsOfStrategy = async (): Promise<Fill[]> =>
      (await system.request('strategy', `/fills?portfolio_id=${ID}&limit=1000`)).body.fills.reverse();
    const fillsOfPortfolio = async (): Promise<(Fill & { seq: number })[]> =>
      (await system.request('portfolio', `/portfolios/${ID}/fills?limit=1000`)).body.fills;

    async function kill(name: string): Promise<void> {
      process.kill((await system.engine(name)).pid, 'SIGKILL');
    }

    async function isBack(name: string): Promise<void> {
      await eventually(async () => (await system.engine(name)).health === 'healthy', `${name} is back`);
    }

    /** Sends orders, one after the other, and returns the ids of those that were acknowledged. */
    async function trade(count: number): Promise<string[]> {
      const { port } = await system.engine('strategy');
      const ids: string[] = [];
      for (let i = 0; i < count; i++) {
        const body = JSON.stringify({ ...ORDER, side: i % 3 === 2 ? 'sell' : 'buy' });
        const headers = { 'content-type': 'application/json' };
        const answer = await fetch(`http://127.0.0.1:${port}/orders`, {
          method: 'POST',
          headers,
          body,
        }).catch(() => null);
        if (answer?.status === 201) ids.push((await answer.json()).order_id);
      }
      return ids;
    }

    async function ledgersAgree(acknowledged: readonly string[]): Promise<void> {
      await eventually(async () => {
        const filled = new Set((await fillsOfStrategy()).map((fill) => fill.order_id));
        return acknowledged.every((id) => filled.has(id));
      }, 'every acknowledged order is filled');
      const traded = await fillsOfStrategy();
      await eventually(
        async () => (await fillsOfPortfolio()).length >= traded.length,
        'the fills reach the portfolio',
      );
      const booked = await fillsOfPortfolio();
      expect(booked.map(({ seq: _, ...fill }) => fill)).toEqual(traded);
      const ledger = new Ledger(ID, '1000000');
      for (const fill of traded) ledger.apply(fill);
      const { cash, fees, realised_pnl, positions } = ledger.snapshot();
      const { body } = await system.request('portfolio', `/portfolios/${ID}`);
      expect(body).toMatchObject({ cash, fees, realised_pnl, fills: traded.length });
      expect(body.positions[0].quantity).toBe(positions[0]!.quantity);
    }

    test('fills of the time in which the portfolio engine was down are booked when it is back, each once', async () => {
      const before = (await fillsOfPortfolio()).length;
      await kill('portfolio');
      const ids = await trade(30);
      expect(ids).toHaveLength(30);
      await isBack('portfolio');
      await ledgersAgree(ids);
      expect((await fillsOfPortfolio()).length).toBeGreaterThanOrEqual(before + 30);
    });

    test('orders that were acknowledged before the strategy engine was killed are filled and booked', async () => {
      const ids = await trade(30);
      await kill('strategy');
      await isBack('strategy');
      await ledgersAgree(ids);
    });

    test('the ledgers agree after both were killed in the middle of trading, one after the other', async () => {
      const ids: string[] = [];
      for (const name of ['portfolio', 'strategy', 'portfolio']) {
        const trading = trade(40);
        await kill(name);
        ids.push(...(await trading));
        await isBack(name);
        await takesOrders();
      }
      await ledgersAgree(ids);
    });
  });
}
