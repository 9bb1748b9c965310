// Which transport carries the messages of a process: Redis when REDIS_URL is set, else the hub of the supervisor.
import { HubTransport } from '../bus/hub-client.ts';
import type { Transport } from '../bus/transport.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import type { RedisSettings } from '../core/redis-settings.ts';

/** Returns the transport of the engine process `name`. */
export async function processTransport(config: Config, name: string, log: Log): Promise<Transport> {
  if (config.redis) return redisTransport(config.redis, name, log);
  return new HubTransport({ socketPath: config.hubSocket ?? '', name });
}

/** Returns a transport over Redis. The client is loaded only here, since it costs a start with the hub too much. */
export async function redisTransport(redis: RedisSettings, name: string, log: Log): Promise<Transport> {
  const { RedisTransport } = await import('../bus/redis-transport.ts');
  const { address } = redis;
  return new RedisTransport({
    settings: redis,
    name,
    onChange: (connected, reason) => {
      if (connected) log.info({ address }, 'Redis carries the messages');
      else log.warn({ address, reason }, 'Redis is away');
    },
  });
}
