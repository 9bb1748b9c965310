// The Portfolio engine: cash and positions from fills in exact decimals, their valuation, minimum-variance weights.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { MIGRATIONS } from './migrations.ts';
import { portfolioRoutes } from './routes.ts';
import { PortfolioService } from './service.ts';

export default {
  name: 'portfolio',
  port: 8900,
  title: 'Portfolio Engine',
  description: 'Portfolios and positions in exact decimals, valued bar by bar; minimum-variance weights.',
  migrations: MIGRATIONS,
  async create(context) {
    const service = await PortfolioService.create(context);
    return {
      routes: portfolioRoutes(service),
      participant: service.participant,
      start: () => service.start(),
      reload: () => service.reload(),
      status: () => service.status(),
    };
  },
} satisfies EngineDefinition;
