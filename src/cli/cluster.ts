// A running set of engines as commands see it: processes under a supervisor, or all in this process.
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { topics } from '../bus/topics.ts';
import type { Config } from '../core/config.ts';
import { InvalidOptionError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { MAX_REPLICAS } from '../core/replica-settings.ts';
import { refuseOpenHost } from '../http/key-ring.ts';
import { ensureLocalKey } from '../http/local-key.ts';
import { ENGINE_NAMES, ENGINES } from './engines.ts';
import type { HostedEngine } from './host.ts';
import { labelOf } from './run-file.ts';
import { Supervisor } from './supervisor.ts';

/** One engine process of a running cluster. */
export interface ClusterEngine {
  readonly name: string;
  /** The name, with the number of the replica where there are several. */
  readonly label: string;
  readonly port: number;
  readonly pid: number;
}

/** A running cluster. */
export interface Cluster {
  readonly engines: readonly ClusterEngine[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly config: Config;
  readonly log: Log;
  /** Engines to start; all when absent. */
  readonly only?: readonly string[];
  /** How many processes an engine has, where it is named. */
  readonly replicas?: ReadonlyMap<string, number>;
  readonly inProcess?: boolean;
  readonly onLine: (line: string) => void;
}

/**
 * Starts engines and resolves when all are ready. Throws InvalidOptionError for unknown names and for replicas that cannot be, and
 * what the starts throw.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const names = chosen(options.only);
  checkReplicas(options);
  refuseOpenHost(options.config);
  return options.inProcess ? startInProcess(names, options) : startProcesses(names, options);
}

function chosen(only: readonly string[] | undefined): readonly string[] {
  const unknown = (only ?? []).filter((name) => !ENGINE_NAMES.includes(name));
  if (unknown.length > 0) {
    throw new InvalidOptionError(
      `Expected engines among ${ENGINE_NAMES.join(', ')}, was ${unknown.join(', ')}`,
    );
  }
  return only ? ENGINE_NAMES.filter((name) => only.includes(name)) : ENGINE_NAMES;
}

function checkReplicas({ replicas = new Map(), only, inProcess, config }: ClusterOptions): void {
  const { firstReplica } = config;
  const several = [...replicas].filter(([, count]) => count > 1 || firstReplica !== undefined);
  const last = (firstReplica ?? 0) + Math.max(0, ...several.map(([, count]) => count));
  if (last > MAX_REPLICAS) {
    throw new InvalidOptionError(
      `Expected at most ${MAX_REPLICAS} replicas on all hosts together, was ${last}`,
    );
  }
  if (several.length > 0 && inProcess) {
    throw new InvalidOptionError(
      'Expected no replicas with --in-process, which has all engines in one process: leave one of both out',
    );
  }
  chosen([...replicas.keys()]);
  const able = ENGINES.filter((e) => e.replicas).map((e) => e.name);
  for (const [name] of several) {
    if (!able.includes(name)) {
      throw new InvalidOptionError(
        `Expected replicas of ${able.join(', ')} only, was ${name}: what it keeps in memory is not divided into partitions, so that two of it would answer differently`,
      );
    }
    if (only && !only.includes(name)) {
      throw new InvalidOptionError(`Expected replicas of engines that are started, was ${name}`);
    }
  }
}

async function startProcesses(names: readonly string[], options: ClusterOptions): Promise<Cluster> {
  const { config, log, onLine } = options;
  const supervisor = new Supervisor({
    config,
    engines: names,
    replicas: options.replicas ?? new Map(),
    log,
    onLine,
  });
  await supervisor.start();
  return {
    get engines() {
      return supervisor.engines.map((e) => ({
        name: e.name,
        label: labelOf(e),
        port: e.port ?? 0,
        pid: e.pid ?? 0,
      }));
    },
    stop: () => supervisor.stop(),
  };
}

async function startInProcess(names: readonly string[], options: ClusterOptions): Promise<Cluster> {
  // A supervisor of processes hosts no engine itself: what they need would only delay their start.
  const { hostEngine } = await import('./host.ts');
  const hub = new MemoryHub();
  const hosted: HostedEngine[] = [];
  const forgetKey = ensureLocalKey(options.config.dataDir);
  const stop = async () => {
    await Promise.all(hosted.map(({ engine }) => engine.stop(options.config.graceMs)));
    await bus.close();
    forgetKey();
  };
  const bus = new Bus('supervisor', hub.connect());
  try {
    for (const name of names) {
      hosted.push(
        await hostEngine(
          name,
          hub.connect(),
          { eventLog: hub.connectLog(), leases: hub.leases },
          options.config,
        ),
      );
      bus.publish(topics.lifecycle, {
        engine: name,
        event: 'started',
        pid: process.pid,
        exit_code: null,
        detail: 'in process',
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    engines: hosted.map(({ engine: { name, port } }) => ({ name, label: name, port, pid: process.pid })),
    stop,
  };
}
