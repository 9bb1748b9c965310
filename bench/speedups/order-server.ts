// A server of the order rows, in its own process: `engine` is the strategy engine on a market that moves when it is told to,
// `monolith` the published one. Answers commands of its parent by IPC.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import definition from '../../engines/strategy/index.ts';
import { strategyRoutes } from '../../engines/strategy/routes.ts';
import { StrategyService } from '../../engines/strategy/service.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { LiveMarket, PORTFOLIO, SYMBOL } from '../../test/support/live-market.ts';
import { startMonolith } from '../baseline/monolith.ts';

/** What the parent asks: place orders within the process, fill everything that is open. */
export type OrderCommand = { readonly place: number; readonly together: boolean } | { readonly fill: true };

/** What the child says: where it listens; how long orders took; that all are filled. */
export type OrderMessage = { readonly url: string } | { readonly ns: number } | { readonly filled: number };

/** Returns the order of a place in a run: buys and sells in turn, so that positions stay small. */
export function orderAt(at: number) {
  const side = at % 2 === 0 ? ('buy' as const) : ('sell' as const);
  return { portfolio_id: PORTFOLIO, symbol: SYMBOL, side, quantity: '0.01', type: 'market' as const };
}

interface Served {
  readonly url: string;
  readonly place: (count: number, together: boolean) => Promise<number>;
  /** Resolves to how many orders were accepted so far. */
  readonly fill: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** The strategy engine, whose service the bench calls as its own strategies do. */
async function engine(): Promise<Served> {
  let service: StrategyService | undefined;
  const observed: EngineDefinition = {
    ...definition,
    async create(context) {
      service = await StrategyService.create(context);
      const { participant } = service.trader;
      return {
        routes: strategyRoutes(service),
        participant,
        status: () => service!.status(),
        start: () => service!.start(),
        reload: () => service!.trader.reload(),
      };
    },
  };
  const market = new LiveMarket(await TestEngine.start(observed, { NAUTILUS_RATE_LIMIT: '0' }));
  await market.tellPortfolio();
  await market.advance();
  return {
    url: market.engine.url,
    async place(count, together) {
      const start = Bun.nanoseconds();
      if (together) {
        await Promise.all(Array.from({ length: count }, (_, at) => service!.placeOrder(orderAt(at))));
      } else {
        for (let at = 0; at < count; at++) await service!.placeOrder(orderAt(at));
      }
      return Bun.nanoseconds() - start;
    },
    async fill() {
      await market.advance();
      return service!.counts().fills ?? 0;
    },
    stop: () => market.engine.stop(),
  };
}

function monolith(): Served {
  const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
  const served = startMonolith(folder, PORTFOLIO, SYMBOL, 100);
  return {
    url: served.url,
    place: () => Promise.reject(new Error('the monolith takes orders over HTTP only')),
    fill: async () => {
      served.fillAll();
      return served.accepted();
    },
    stop: async () => {
      served.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function serve(kind: string | undefined): Promise<void> {
  const served = kind === 'engine' ? await engine() : monolith();
  const tell = (message: OrderMessage) => process.send?.(message);
  process.on('message', async (command: OrderCommand) => {
    if ('place' in command) tell({ ns: await served.place(command.place, command.together) });
    else tell({ filled: await served.fill() });
  });
  process.on('disconnect', async () => {
    await served.stop();
    process.exit(0);
  });
  tell({ url: served.url });
}

if (import.meta.main) await serve(process.argv[2]);
