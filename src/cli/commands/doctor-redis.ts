// What `nautilus doctor` says of Redis: whether it is there, new enough, and what it would lose; in a cluster, of each node.
import { type ClusterFacts, probeCluster, probeRedis, type RedisFacts } from '../../bus/redis-probe.ts';
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
    if (redis.cluster) {
      const cluster = await probeCluster(redis, defaultTimeoutMs);
      return [serverFinding(redis, facts), clusterFinding(cluster), ...nodeFindings(cluster, durability)];
    }
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

function clusterFinding({ nodes, alone, missingSlots }: ClusterFacts): Finding {
  const check = 'Redis Cluster';
  const masters = nodes.filter(({ isMaster }) => isMaster);
  const silent = nodes.filter(({ facts }) => typeof facts === 'string');
  const found = `${masters.length} masters, ${nodes.length - masters.length} replicas`;
  if (missingSlots > 0) {
    const fix = 'run `redis-cli --cluster fix` on one of its nodes';
    return { check, level: 'fail', found: `${found}, ${missingSlots} of 16384 slots are with nobody`, fix };
  }
  if (silent.length > 0) {
    const said = silent.map(({ address, facts }) => `${address} (${facts})`).join(', ');
    const level = silent.some(({ isMaster }) => isMaster) ? 'fail' : 'warn';
    const fix =
      'start them, and let them announce addresses that this host can reach (`cluster-announce-ip`)';
    return { check, level, found: `${found}; no answer from ${said}`, fix };
  }
  if (alone.length === 0) return { check, level: 'ok', found: `${found}, every master has a replica` };
  return {
    check,
    level: 'warn',
    found: `${found}; nobody takes over from ${alone.join(', ')}: the cluster stands still while one of them is away`,
    fix: 'add a replica to each master (`redis-cli --cluster add-node --cluster-slave`)',
  };
}

// One line for what all nodes have in common: any of them may have to give back what it kept.
function nodeFindings({ nodes }: ClusterFacts, durability: Config['durability']): Finding[] {
  const groups = new Map<string, { finding: Finding; addresses: string[] }>();
  const asked = nodes.filter(({ facts }) => typeof facts !== 'string');
  for (const { address, facts } of asked) {
    const of = facts as RedisFacts;
    for (const finding of [persistenceFinding(of, durability), memoryFinding(of)]) {
      const key = `${finding.check} ${finding.found}`;
      const group = groups.get(key);
      if (group) group.addresses.push(address);
      else groups.set(key, { finding, addresses: [address] });
    }
  }
  return [...groups.values()].map(({ finding, addresses }) => {
    const who = addresses.length === asked.length ? 'every node' : addresses.join(', ');
    return { ...finding, found: `${finding.found} (${who})` };
  });
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
