// `nautilus ps` and `nautilus down`: what runs on the data folder, and its end.
import { type Config, loadConfig } from '../../core/config.ts';
import { processUrl, request, STATUS_TIMEOUT_MS } from '../http-client.ts';
import { duration, mebibytes, table } from '../output.ts';
import { isAlive, labelOf, type RunFile, readRunFile } from '../run-file.ts';

interface SystemStatus {
  readonly status: string;
  readonly uptime_s: number;
  readonly memory_rss_bytes: number;
  readonly messagebus_connected: boolean;
  readonly missing: readonly string[];
  /** Partitions that it works on. */
  readonly partitions?: readonly number[];
}

/** Prints one line per engine, or replica of it; exit code 1 when nothing runs, 2 when an engine does not answer. */
export async function ps(options: { readonly json?: boolean }): Promise<number> {
  const config = loadConfig();
  const state = readRunFile(config.dataDir);
  if (!state) {
    console.log(`No engines run on ${config.dataDir}. Start them with \`bun run engines\`.`);
    return 1;
  }
  const engines = await Promise.all(
    state.engines.map(async (engine) => ({ ...engine, ...(await statusOf(engine, config)) })),
  );
  if (options.json)
    console.log(JSON.stringify({ supervisor_pid: state.pid, bus: state.bus, engines }, null, 2));
  else {
    const divided = engines.some((e) => e.partitions !== null);
    const rows = engines.map((e) => [
      labelOf(e),
      String(e.port ?? '-'),
      String(e.pid ?? '-'),
      e.health,
      e.uptime_s === null ? '-' : duration(e.uptime_s),
      e.memory_rss_bytes === null ? '-' : mebibytes(e.memory_rss_bytes),
      String(e.restarts),
      ...(divided ? [partitionsText(e.partitions)] : []),
    ]);
    const head = ['ENGINE', 'PORT', 'PID', 'STATUS', 'UPTIME', 'MEMORY', 'RESTARTS'];
    console.log(table([[...head, ...(divided ? ['PARTITIONS'] : [])], ...rows]));
  }
  return engines.every((e) => e.uptime_s !== null) ? 0 : 2;
}

async function statusOf(engine: RunFile['engines'][number], config: Config) {
  const timeoutMs = Math.min(STATUS_TIMEOUT_MS, config.defaultTimeoutMs);
  try {
    const url = `${processUrl(config, engine)}/system/status`;
    const status = await request<SystemStatus>(url, {}, timeoutMs);
    const health =
      status.missing.length > 0 ? `${status.status} (${status.missing.join(', ')})` : status.status;
    const { uptime_s, memory_rss_bytes, partitions = [] } = status;
    // An engine without replicas works on all of them, which says nothing.
    return { health, uptime_s, memory_rss_bytes, partitions: engine.replica === null ? null : partitions };
  } catch {
    return { health: `${engine.state}, no answer`, uptime_s: null, memory_rss_bytes: null, partitions: null };
  }
}

function partitionsText(partitions: readonly number[] | null): string {
  if (partitions === null) return '-';
  return partitions.length === 0 ? 'none' : partitions.join(' ');
}

/** Asks the supervisor to stop and waits for it; exit code 1 when nothing runs, 2 when it does not end. */
export async function down(): Promise<number> {
  const config = loadConfig();
  const state = readRunFile(config.dataDir);
  if (!state) {
    console.log(`No engines run on ${config.dataDir}.`);
    return 1;
  }
  process.kill(state.pid, 'SIGTERM');
  const deadline = performance.now() + config.graceMs + 5000;
  while (isAlive(state.pid)) {
    if (performance.now() > deadline) {
      console.error(
        `The supervisor (pid ${state.pid}) has not stopped yet: \`kill -9 ${state.pid}\` ends it at once.`,
      );
      return 2;
    }
    await Bun.sleep(20);
  }
  const engines = new Set(state.engines.map((e) => e.name)).size;
  const processes = state.engines.length;
  console.log(`Stopped ${engines} engines${processes > engines ? ` (${processes} processes)` : ''}.`);
  return 0;
}
