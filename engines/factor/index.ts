// The Factor engine: twenty factors over a panel of instruments, and where each instrument stands among all.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { FollowedPanel } from './lib/follow.ts';
import { FactorStore, MIGRATIONS } from './lib/store.ts';
import { factorRoutes } from './routes.ts';
import { FactorService } from './service.ts';

export default {
  name: 'factor',
  port: 8300,
  title: 'Factor Engine',
  description: 'Factors of instruments on a rolling panel, and their cross-section.',
  migrations: MIGRATIONS,
  async create({ database, units }) {
    const followed = new FollowedPanel(new FactorStore(database));
    await followed.load();
    const service = new FactorService(followed, units);
    return {
      routes: factorRoutes(service),
      participant: service.participant,
      reload: () => followed.load(),
      status: () => service.status(),
    };
  },
} satisfies EngineDefinition;
