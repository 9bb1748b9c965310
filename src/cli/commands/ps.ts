// `nautilus ps` and `nautilus down`: what runs on the data folder, and its end.
import { type Config, loadConfig } from '../../core/config.ts';
import { engineUrl, request, STATUS_TIMEOUT_MS } from '../http-client.ts';
import { duration, mebibytes, table } from '../output.ts';
import { isAlive, type RunFile, readRunFile } from '../run-file.ts';

interface SystemStatus {
  readonly status: string;
  readonly uptime_s: number;
  readonly memory_rss_bytes: number;
  readonly messagebus_connected: boolean;
  readonly missing: readonly string[];
}

/** Prints one line per engine; exit code 1 when nothing runs, 2 when an engine does not answer. */
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
    const rows = engines.map((e) => [
      e.name,
      String(e.port ?? '-'),
      String(e.pid ?? '-'),
      e.health,
      e.uptime_s === null ? '-' : duration(e.uptime_s),
      e.memory_rss_bytes === null ? '-' : mebibytes(e.memory_rss_bytes),
      String(e.restarts),
    ]);
    console.log(table([['ENGINE', 'PORT', 'PID', 'STATUS', 'UPTIME', 'MEMORY', 'RESTARTS'], ...rows]));
  }
  return engines.every((e) => e.uptime_s !== null) ? 0 : 2;
}

async function statusOf(engine: RunFile['engines'][number], config: Config) {
  const timeoutMs = Math.min(STATUS_TIMEOUT_MS, config.defaultTimeoutMs);
  try {
    const url = `${engineUrl(config, engine.port ?? 0)}/system/status`;
    const status = await request<SystemStatus>(url, {}, timeoutMs);
    const health =
      status.missing.length > 0 ? `${status.status} (${status.missing.join(', ')})` : status.status;
    return { health, uptime_s: status.uptime_s, memory_rss_bytes: status.memory_rss_bytes };
  } catch {
    return { health: `${engine.state}, no answer`, uptime_s: null, memory_rss_bytes: null };
  }
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
  console.log(`Stopped ${state.engines.length} engines.`);
  return 0;
}
