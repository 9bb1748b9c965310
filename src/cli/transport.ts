// Which transport carries the messages of a process: Redis when REDIS_URL is set, else the hub of the supervisor.
import { HubTransport } from '../bus/hub-client.ts';
import type { Transport } from '../bus/transport.ts';
import type { Config } from '../core/config.ts';
import type { RedisSettings } from '../core/redis-settings.ts';

/** Returns the transport of the engine process `name`. */
export async function processTransport(config: Config, name: string): Promise<Transport> {
  if (config.redis) return redisTransport(config.redis, name);
  return new HubTransport({ socketPath: config.hubSocket ?? '', name });
}

/** Returns a transport over Redis. The client is loaded only here, since it costs a start with the hub too much. */
export async function redisTransport(settings: RedisSettings, name: string): Promise<Transport> {
  const { RedisTransport } = await import('../bus/redis-transport.ts');
  return new RedisTransport({ settings, name });
}
