// `nautilus up`: starts the engines, shows where they are, runs until it is told to stop.
import { type Config, loadConfig } from '../../core/config.ts';
import { createLogTo } from '../../core/log.ts';
import { replicaCounts } from '../../core/replica-settings.ts';
import { VERSION } from '../../core/version.ts';
import { readKeys } from '../../http/api-keys.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { engineUrl } from '../http-client.ts';
import { lineWriter, table } from '../output.ts';

export interface UpOptions {
  readonly only?: string;
  /** Texts like `analytics=3`. */
  readonly replicas?: readonly string[];
  readonly inProcess?: boolean;
}

/** Starts the chosen engines and resolves with an exit code when they have been stopped by a signal. */
export async function up(options: UpOptions): Promise<number> {
  const started = performance.now();
  const config = loadConfig();
  // A file of keys that cannot be used ends the start here, before anything runs.
  const access = whoMayConnect(config);
  const onLine = await lineWriter();
  const log = createLogTo('supervisor', config.logLevel, (line) => onLine(line.trimEnd()));
  let requested: (signal: string) => void = () => {};
  const asked = new Promise<string>((resolve) => {
    requested = resolve;
  });
  process.on('SIGINT', () => requested('SIGINT'));
  process.on('SIGTERM', () => requested('SIGTERM'));
  const only = options.only?.split(',').map((name) => name.trim());
  const replicas = options.replicas
    ? replicaCounts(options.replicas.join(','), '--replicas')
    : config.replicas;
  const cluster = await startCluster({
    config,
    log,
    onLine,
    replicas,
    ...(only ? { only } : {}),
    inProcess: options.inProcess ?? false,
  });
  const seconds = (performance.now() - started) / 1000;
  if (process.stdout.isTTY) process.stdout.write(banner(cluster, config, access, seconds));
  else
    log.info(
      { start_s: Math.round(seconds * 1000) / 1000, engines: cluster.engines, access },
      'all engines are ready',
    );
  const signal = await asked;
  log.info({ signal }, 'stopping');
  await cluster.stop();
  return 0;
}

/** Says who can reach the engines, and with what. */
function whoMayConnect(config: Config): string {
  const from = config.loopback ? 'programs of this machine' : `whoever reaches ${config.host}`;
  const all = readKeys(config);
  if (config.loopback && config.auth === 'auto' && all.length === 0) return `${from}, without a key`;
  const valid = all.filter((key) => key.revoked_at === null);
  const roles = valid.map((key) => key.role).sort();
  return `${from}, with an API key (${valid.length} valid${roles.length > 0 ? `: ${roles.join(', ')}` : ''})`;
}

function banner(cluster: Cluster, config: Config, access: string, seconds: number): string {
  const rows = cluster.engines.map((e) => [e.label, engineUrl(config, e.port), String(e.pid)]);
  const engines = new Set(cluster.engines.map((e) => e.name)).size;
  const page = cluster.engines.find((e) => e.name === 'websocket');
  return [
    '',
    table([['ENGINE', 'ADDRESS', 'PID'], ...rows]),
    '',
    `Nautilus Engines ${VERSION}: ${engines} engines ready in ${seconds.toFixed(2)} s. Ctrl-C stops them.`,
    `Open to ${access}.`,
    ...(page ? [`Page: ${engineUrl(config, page.port)}/`] : []),
    '',
    '',
  ].join('\n');
}
