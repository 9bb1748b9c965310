// The Features engine: technical features of every instrument on the stream, and indicators on request.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { featureRoutes } from './routes.ts';
import { FeatureService } from './service.ts';

export default {
  name: 'features',
  port: 8500,
  title: 'Features Engine',
  description: 'Technical features in batch and streaming, from one definition each.',
  create({ config }) {
    const service = new FeatureService();
    return {
      routes: featureRoutes(service, config.defaultTimeoutMs),
      participant: service.participant,
      status: () => ({ instruments: service.symbols().length }),
    };
  },
} satisfies EngineDefinition;
