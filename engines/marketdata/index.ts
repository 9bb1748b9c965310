// The Market Data engine: the front door of every bar, and the replay of the past.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { JOB_TABLES } from '../../src/jobs/database-schema.ts';
import { PIPELINE_TABLES } from './pipeline/tables.ts';
import { marketDataRoutes } from './routes.ts';
import { MarketDataService } from './service.ts';

export default {
  name: 'marketdata',
  port: 8800,
  urgency: 'latency',
  title: 'Market Data Engine',
  description: 'Imports, stores and serves bars; feeds the stream; replays history in lockstep.',
  migrations: PIPELINE_TABLES,
  schemas: { jobs: JOB_TABLES },
  create(context) {
    const service = new MarketDataService(context);
    return {
      routes: marketDataRoutes(service, context),
      rawBodies: ['/bars/import', '/import'],
      status: () => service.status(),
      start: () => service.start(),
      stop: () => service.stop(),
    };
  },
} satisfies EngineDefinition;
