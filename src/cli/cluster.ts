// A running set of engines as commands see it: processes under a supervisor, or all in this process.
import { Bus } from '../bus/client.ts';
import { MemoryHub } from '../bus/memory.ts';
import { topics } from '../bus/topics.ts';
import type { Config } from '../core/config.ts';
import { InvalidOptionError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { refuseOpenHost } from '../http/key-ring.ts';
import { ensureLocalKey } from '../http/local-key.ts';
import { ENGINE_NAMES } from './engines.ts';
import type { HostedEngine } from './host.ts';
import { Supervisor } from './supervisor.ts';

/** One engine of a running cluster. */
export interface ClusterEngine {
  readonly name: string;
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
  readonly inProcess?: boolean;
  readonly onLine: (line: string) => void;
}

/** Starts engines and resolves when all are ready. Throws InvalidOptionError for unknown names, and what the starts throw. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const names = chosen(options.only);
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

async function startProcesses(names: readonly string[], options: ClusterOptions): Promise<Cluster> {
  const { config, log, onLine } = options;
  const supervisor = new Supervisor({ config, engines: names, log, onLine });
  await supervisor.start();
  return {
    get engines() {
      return supervisor.engines.map((e) => ({ name: e.name, port: e.port ?? 0, pid: e.pid ?? 0 }));
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
    engines: hosted.map(({ engine }) => ({ name: engine.name, port: engine.port, pid: process.pid })),
    stop,
  };
}
