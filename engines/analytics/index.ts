// The Analytics engine: running performance of every valued portfolio, and full measures on request.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { kernelRoutes } from '../../src/http/kernel-routes.ts';
import { attributionKernels, FAMILIES } from '../../src/native/index.ts';
import { analyticsRoutes } from './routes.ts';
import { AnalyticsService } from './service.ts';
import { AnalyticsStore, MIGRATIONS } from './store.ts';

export default {
  name: 'analytics',
  port: 8100,
  title: 'Analytics Engine',
  description: 'Profit and loss, returns, risk-adjusted measures and drawdown of portfolios.',
  migrations: MIGRATIONS,
  replicas: { partitionBy: 'portfolio_id' },
  create({ config, database, units, work }) {
    const { matrix, statistics, system } = FAMILIES;
    const kernels = [...matrix, ...statistics, ...attributionKernels, ...system];
    const service = new AnalyticsService(new AnalyticsStore(database), units, work);
    return {
      routes: analyticsRoutes(service).use(kernelRoutes('analytics', kernels, config.defaultTimeoutMs)),
      participant: service.participant,
      reload: async () => service.forget(),
      status: () => service.status(),
    };
  },
} satisfies EngineDefinition;
