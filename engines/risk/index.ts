// The Risk engine: limits, checks of books and orders, value at risk.
import { join } from 'node:path';
import { EngineWatch } from '../../src/bus/presence.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { riskRoutes } from './routes.ts';
import { RiskService } from './service.ts';

export default {
  name: 'risk',
  port: 8200,
  title: 'Risk Engine',
  description: 'Limits of portfolios, checks of books and orders, value at risk.',
  create({ bus, clock, config }) {
    const service = new RiskService(bus, clock, join(config.dataDir, 'risk.sqlite'));
    return {
      routes: riskRoutes(service),
      participant: service.participant,
      status: () => service.status(),
      async start() {
        service.announce();
        // Whoever (re)starts has missed what was published before.
        await new EngineWatch(bus, clock).start((presence) => {
          if (presence.engine !== 'risk') service.announce();
        });
      },
      stop: () => service.stop(),
    };
  },
} satisfies EngineDefinition;
