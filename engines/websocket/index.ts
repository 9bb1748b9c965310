// The WebSocket engine: streams every topic to clients and serves the operator page.

import type { EngineDefinition } from '../../src/http/engine.ts';
import { Counter, Gauge } from '../../src/http/prom.ts';
import { SOCKET_LIMITS, type SocketLimits } from './lib/connections.ts';
import { websocketRoutes } from './routes.ts';
import { WebsocketService } from './service.ts';

/** Returns the definition of the engine with other limits than {@link SOCKET_LIMITS}. */
export function websocketEngine(limits: Partial<SocketLimits> = {}): EngineDefinition {
  return {
    name: 'websocket',
    port: 8600,
    urgency: 'latency',
    title: 'WebSocket Engine',
    description: 'Streams every topic to WebSocket clients, and serves the operator page.',
    create(context) {
      const service = new WebsocketService(context, { ...SOCKET_LIMITS, ...limits });
      const { connections } = service;
      const registers = [context.metrics.registry];
      new Gauge({
        name: 'nautilus_ws_connections',
        help: 'Open WebSocket connections',
        registers,
        collect() {
          this.set(connections.size);
        },
      });
      new Counter({
        name: 'nautilus_ws_messages_total',
        help: 'Messages to WebSocket clients, counted once for each client, by what became of them',
        labelNames: ['outcome'],
        registers,
        collect() {
          this.reset();
          this.inc({ outcome: 'sent' }, connections.totals.messages_sent);
          this.inc({ outcome: 'dropped' }, connections.totals.messages_dropped);
          this.inc({ outcome: 'conflated' }, connections.totals.messages_conflated);
        },
      });
      return {
        routes: websocketRoutes(service),
        participant: service.participant,
        socket: {
          path: '/ws',
          handlers: connections.handlers,
          refuse: (request) => connections.refuse(request),
          revalidate: (isAllowed) => connections.revalidate(isAllowed),
        },
        status: () => ({
          connections: connections.size,
          ...connections.totals,
          topics_on_demand: service.topicsOnDemand,
        }),
        start: () => service.start(),
        stop: () => connections.stop(),
      };
    },
  };
}

export default websocketEngine();
