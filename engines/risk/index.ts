// The Risk engine: limits, checks of books and orders, value at risk.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { kernelRoutes } from '../../src/http/kernel-routes.ts';
import { exposureKernels, FAMILIES } from '../../src/native/index.ts';
import { MIGRATIONS, RiskStore } from './lib/store.ts';
import { ValidationDesk } from './lib/validation-desk.ts';
import { riskRoutes } from './routes.ts';
import { RiskService } from './service.ts';

export default {
  name: 'risk',
  port: 8200,
  urgency: 'latency',
  title: 'Risk Engine',
  description: 'Limits of portfolios, checks of books and orders, value at risk.',
  migrations: MIGRATIONS,
  async create({ bus, clock, config, database, units }) {
    const kernels = [...FAMILIES.montecarlo, ...exposureKernels];
    const service = await RiskService.open(new RiskStore(database), units, clock);
    const desk = new ValidationDesk(bus, clock, (request) => service.validatePredictions(request));
    return {
      routes: riskRoutes(service).use(kernelRoutes('risk', kernels, config.defaultTimeoutMs)),
      participant: service.participant,
      reload: () => service.reload(),
      status: () => service.status(),
      start: async () => {
        await service.start();
        await desk.start();
      },
      stop: async () => {
        await desk.stop();
        await service.stop();
      },
    };
  },
} satisfies EngineDefinition;
