// What carries the messages, the durable events and the leases of a process: Redis when REDIS_URL is set, else the hub of the supervisor.
import { hostname } from 'node:os';
import type { EventLog } from '../bus/event-log.ts';
import { HubTransport } from '../bus/hub-client.ts';
import { HubLeases, HubLink, HubLog } from '../bus/hub-log.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import { DEFAULT_RETENTION, FOREVER, type RetentionOf } from '../bus/retention.ts';
import { appendTopic } from '../bus/topics.ts';
import type { Transport } from '../bus/transport.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import type { RedisSettings } from '../core/redis-settings.ts';

/** What a process shares with all others. */
export interface ProcessServices {
  readonly transport: Transport;
  readonly eventLog: EventLog;
  readonly leases: LeaseBoard;
}

/** Returns what the engine process `name` shares with the others; all of it connects by itself, and again when it was lost. */
export async function processServices(config: Config, name: string, log: Log): Promise<ProcessServices> {
  const transport = await processTransport(config, name, log);
  if (config.redis) return { transport, ...(await redisServices(config.redis, config, name, log)) };
  const link = new HubLink({
    socketPath: config.hubSocket ?? '',
    name: `${name}:events`,
    timeoutMs: config.defaultTimeoutMs,
  });
  return { transport, eventLog: new HubLog(link), leases: new HubLeases(link) };
}

/** Names a process among those that share partitions: the same after a restart, another on every machine and data folder. */
export function memberName({ redis, dataDir }: Config, label: string): string {
  return redis ? `${label}@${hostname()}:${Bun.hash(dataDir).toString(36)}` : label;
}

/** How long the log keeps the events of each topic: as long as their owner keeps them in its outbox. */
export function logRetention({ eventsDays }: Config): RetentionOf {
  const window = { ...DEFAULT_RETENTION, maxAgeMs: eventsDays * 86_400_000 };
  return (topic) => (appendTopic(topic)?.keep === 'forever' ? FOREVER : window);
}

/** Returns the transport of the engine process `name`. */
export async function processTransport(config: Config, name: string, log: Log): Promise<Transport> {
  if (config.redis) return redisTransport(config.redis, config, name, log);
  return new HubTransport({ socketPath: config.hubSocket ?? '', name });
}

/** Returns a transport over Redis. The client is loaded only here, since it costs a start with the hub too much. */
export async function redisTransport(
  settings: RedisSettings,
  { defaultTimeoutMs }: Pick<Config, 'defaultTimeoutMs'>,
  name: string,
  log: Log,
): Promise<Transport> {
  const [{ RedisTransport }, { linkTiming }] = await Promise.all([
    import('../bus/redis-transport.ts'),
    import('../bus/redis-link.ts'),
  ]);
  const { address } = settings;
  return new RedisTransport({
    settings,
    name,
    timing: linkTiming(defaultTimeoutMs),
    onChange: (connected, reason) => {
      if (connected) log.info({ address }, 'Redis carries the messages');
      else log.warn({ address, reason }, 'Redis is away');
    },
  });
}

async function redisServices(settings: RedisSettings, config: Config, name: string, log: Log) {
  const [{ RedisLog }, { RedisLeases }, { linkTiming }] = await Promise.all([
    import('../bus/redis-log.ts'),
    import('../bus/redis-leases.ts'),
    import('../bus/redis-link.ts'),
  ]);
  const timing = linkTiming(config.defaultTimeoutMs);
  const { address } = settings;
  const tell = (what: string) => (connected: boolean, reason: string) => {
    if (connected) log.info({ address }, `Redis keeps the ${what}`);
    else log.warn({ address, reason }, `Redis, which keeps the ${what}, is away`);
  };
  return {
    eventLog: new RedisLog({
      settings,
      name,
      timing,
      retention: logRetention(config),
      onChange: tell('durable events'),
    }),
    leases: new RedisLeases({ settings, name, timing, onChange: tell('leases') }),
  };
}
