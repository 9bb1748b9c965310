// The Factor engine: twenty factors over a panel of instruments, and where each instrument stands among all.
import { join } from 'node:path';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { factorRoutes } from './routes.ts';
import { FactorService } from './service.ts';

export default {
  name: 'factor',
  port: 8300,
  title: 'Factor Engine',
  description: 'Factors of instruments on a rolling panel, and their cross-section.',
  create({ config }) {
    const service = new FactorService(join(config.dataDir, 'factor.sqlite'));
    return {
      routes: factorRoutes(service),
      participant: service.participant,
      status: () => service.status(),
      stop: () => service.stop(),
    };
  },
} satisfies EngineDefinition;
