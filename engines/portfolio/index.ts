// The Portfolio engine: cash and positions from fills in exact decimals, their valuation, minimum-variance weights.
import { join } from 'node:path';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { portfolioRoutes } from './routes.ts';
import { PortfolioService } from './service.ts';
import { PortfolioStore } from './store.ts';

export default {
  name: 'portfolio',
  port: 8900,
  title: 'Portfolio Engine',
  description: 'Portfolios and positions in exact decimals, valued bar by bar; minimum-variance weights.',
  create({ bus, clock, config, log }) {
    const store = new PortfolioStore(join(config.dataDir, 'portfolio.sqlite'), clock.nowUs());
    const service = new PortfolioService({ store, bus, clock, log });
    return {
      routes: portfolioRoutes(service),
      participant: service.participant,
      start: () => service.start(),
      stop: () => store.close(),
      status: () => service.status(),
    };
  },
} satisfies EngineDefinition;
