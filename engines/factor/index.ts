// The Factor engine: twenty factors over a panel of instruments, and where each instrument stands among all.
import { join } from 'node:path';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { factorRoutes } from './routes.ts';
import { FactorService } from './service.ts';

export default {
  name: 'factor',
  port: 8300,
  title: 'Factor Engine',
  description: 'Factors of instruments on a rolling panel, and their cross-section.',
  create({ bus, config }) {
    const service = new FactorService(join(config.dataDir, 'factor.sqlite'));
    return {
      routes: factorRoutes(service),
      participant: service.participant,
      status: () => service.status(),
      async start() {
        await bus.subscribe(topics.lockstepControl, (batch) => {
          for (const { body } of batch) {
            const control = body as BodyOf<typeof topics.lockstepControl>;
            if (control.kind === 'abort') service.endReplay(control.session);
          }
        });
      },
      stop: () => service.stop(),
    };
  },
} satisfies EngineDefinition;
