// The Analytics engine: running performance of every valued portfolio, and full measures on request.
import { join } from 'node:path';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { analyticsRoutes } from './routes.ts';
import { AnalyticsService } from './service.ts';
import { AnalyticsStore } from './store.ts';

export default {
  name: 'analytics',
  port: 8100,
  title: 'Analytics Engine',
  description: 'Profit and loss, returns, risk-adjusted measures and drawdown of portfolios.',
  replicas: { partitionBy: 'portfolio_id' },
  create({ config }) {
    const store = new AnalyticsStore(join(config.dataDir, 'analytics.sqlite'));
    const service = new AnalyticsService(store);
    return {
      routes: analyticsRoutes(service),
      participant: service.participant,
      stop: () => store.close(),
      status: () => service.status(),
    };
  },
} satisfies EngineDefinition;
