// One engine as a process under the supervisor: starts it, tells how that went, and ends it when it is asked to.
import { loadConfig } from '../core/config.ts';
import { NautilusError } from '../core/errors.ts';
import { createLog } from '../core/log.ts';
import { brokenMetalKernels, nativeInfo } from '../http/native-info.ts';
import type { EngineMessage } from './child.ts';
import { loadEngine } from './engines.ts';
import { startHeartbeat } from './heartbeat.ts';
import { hostEngine } from './host.ts';
import { placeEngine } from './placement.ts';
import { memberName, processServices } from './transport.ts';

const tell = (message: EngineMessage) => process.send?.(message);

/** Runs the engine `name`, which `load` gives, until the process is told to end. */
export async function runEngineProcess(name: string, load = loadEngine): Promise<void> {
  try {
    await start(name, load);
  } catch (error) {
    const known = error instanceof NautilusError;
    createLog(name, 'error').error({ err: error }, 'could not start');
    tell({ type: 'failed', message: known ? error.message : String(error), fatal: known });
    // Lets the message out before the channel closes.
    await Bun.sleep(20);
    process.exit(1);
  }
}

async function start(name: string, load: typeof loadEngine): Promise<void> {
  const config = loadConfig();
  const { replica } = config;
  const plainLog = createLog(name, config.logLevel);
  const log = replica ? plainLog.child({ replica: replica.index }) : plainLog;
  const label = replica ? `${name}.${replica.index}` : name;
  const { transport, ...services } = await processServices(config, label, log);
  const { engine } = await hostEngine(
    name,
    transport,
    {
      ...services,
      member: memberName(config, label),
      place: (urgency) => placeEngine(urgency, config),
      onHung: () => process.kill(process.pid, 'SIGKILL'),
    },
    config,
    log,
    load,
  );

  let stopping = false;
  const stop = async (reason: string, end: () => void) => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(end, config.graceMs + 500);
    await engine.stop(config.graceMs);
    end();
  };
  process.on('SIGTERM', () => void stop('SIGTERM', () => process.exit(0)));
  // Ctrl-C reaches the whole group; the supervisor decides in which order to stop.
  process.on('SIGINT', () => {});
  // With the supervisor the reader of our log has gone, and an ordinary exit would wait for ever to flush the last lines.
  process.on(
    'disconnect',
    () => void stop('the supervisor is gone', () => process.kill(process.pid, 'SIGKILL')),
  );
  for (const kernel of brokenMetalKernels())
    log.warn({ kernel }, 'a Metal kernel did not compile on this device; its row runs on the CPU');
  startHeartbeat();
  const metal = nativeInfo().backend === 'metal';
  tell({ type: 'ready', port: engine.port, privatePort: engine.privatePort, metal });
  log.debug({ port: engine.port }, 'ready');
}
