// What `nautilus doctor` says of Redis: whether it is there, new enough, and what it would lose.
import { probeRedis, type RedisFacts } from '../../bus/redis-probe.ts';
import type { Config } from '../../core/config.ts';
import type { RedisSettings } from '../../core/redis-settings.ts';
import type { Finding } from './finding.ts';

const LEAST = [6, 2] as const;

/** Returns the findings about Redis; one line when it is not used. Never shows a secret. */
export async function redisFindings({ redis, defaultTimeoutMs, durability }: Config): Promise<Finding[]> {
  if (!redis) {
    return [
      {
        check: 'Redis',
        level: 'info',
        found: 'not used: the embedded hub carries messages and keeps events',
      },
    ];
  }
  try {
    const facts = await probeRedis(redis, defaultTimeoutMs);
    return [serverFinding(redis, facts), persistenceFinding(facts, durability), memoryFinding(facts)];
  } catch (error) {
    return [
      {
        check: 'Redis',
        level: 'fail',
        found: (error as Error).message,
        fix: 'start it (`redis-server`), correct REDIS_URL, or unset REDIS_URL to use the embedded hub',
      },
    ];
  }
}

function serverFinding({ address, prefix }: RedisSettings, { version }: RedisFacts): Finding {
  const found = `${version ?? 'version not told'} at ${address}, prefix ${prefix}`;
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  const old = version !== undefined && (major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]));
  if (!old) return { check: 'Redis', level: 'ok', found };
  return { check: 'Redis', level: 'fail', found, fix: `install Redis ${LEAST.join('.')} or newer` };
}

function persistenceFinding({ settings }: RedisFacts, durability: Config['durability']): Finding {
  const check = 'Redis persistence';
  const power = durability === 'power';
  if (!settings) {
    const wanted = power ? '`appendonly yes` and `appendfsync always`' : '`appendonly yes`';
    return {
      check,
      level: power ? 'warn' : 'info',
      found: 'not told: the user may not read the settings',
      fix: `ask whoever runs Redis for ${wanted}, or allow the user \`CONFIG GET\``,
    };
  }
  const { appendonly, appendfsync, save } = settings;
  const demanded = power ? ', which NAUTILUS_DURABILITY=power asks for' : '';
  const bad = power ? 'fail' : 'warn';
  if (appendonly !== 'yes') {
    const kept =
      save === ''
        ? 'appendonly no, no snapshots: nothing is kept over a restart of Redis'
        : `appendonly no, snapshots (${save}): a crash loses what came after the last one`;
    return {
      check,
      level: bad,
      found: `${kept}; the engines then send again the events that they still have`,
      fix: `set \`appendonly yes\` and \`appendfsync ${power ? 'always' : 'everysec'}\` in redis.conf${demanded}`,
    };
  }
  const loss =
    { always: 'a power cut loses nothing', everysec: 'a power cut loses up to a second' }[appendfsync] ??
    'a power cut loses what the system had not written';
  const found = `appendonly yes, appendfsync ${appendfsync}: a kill of Redis loses nothing, ${loss}`;
  if (appendfsync === 'always' || (appendfsync === 'everysec' && !power))
    return { check, level: 'ok', found };
  const fix = `set \`appendfsync ${power ? 'always' : 'everysec'}\` in redis.conf${demanded}`;
  return { check, level: bad, found, fix };
}

function memoryFinding({ settings }: RedisFacts): Finding {
  const check = 'Redis memory';
  if (!settings) return { check, level: 'info', found: 'not told: the user may not read the settings' };
  const { maxmemory } = settings;
  const policy = settings['maxmemory-policy'];
  const bound = maxmemory === '0' ? 'no limit' : `limit ${maxmemory} bytes`;
  const found = `${bound}, maxmemory-policy ${policy}`;
  if (policy === 'noeviction') return { check, level: 'ok', found };
  return {
    check,
    level: 'warn',
    found: `${found}: events and leases may be thrown away when memory runs out`,
    fix: 'set `maxmemory-policy noeviction` in redis.conf: a full Redis then refuses events, which wait with their owners',
  };
}
