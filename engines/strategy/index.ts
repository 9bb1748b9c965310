// The Strategy engine: strategies on the stream, orders through the pre-trade check, a paper venue.
import type { EngineDefinition } from '../../src/http/engine.ts';
import { Counter } from '../../src/http/prom.ts';
import { MIGRATIONS } from './migrations.ts';
import { strategyRoutes } from './routes.ts';
import { StrategyService } from './service.ts';

export default {
  name: 'strategy',
  port: 8700,
  urgency: 'latency',
  title: 'Strategy Engine',
  description: 'Strategies, orders with their pre-trade check, and the paper venue that fills them.',
  migrations: MIGRATIONS,
  async create(context) {
    const service = await StrategyService.create(context);
    new Counter({
      name: 'nautilus_strategy_events_total',
      help: 'Live signals, orders and fills, and inputs that came late, since the start',
      labelNames: ['event'],
      registers: [context.metrics.registry],
      collect() {
        this.reset();
        for (const [event, count] of Object.entries(service.counts())) this.inc({ event }, count);
      },
    });
    return {
      routes: strategyRoutes(service),
      participant: service.trader.participant,
      missing: () => service.missing(),
      status: () => service.status(),
      start: () => service.start(),
      reload: () => service.trader.reload(),
    };
  },
} satisfies EngineDefinition;
