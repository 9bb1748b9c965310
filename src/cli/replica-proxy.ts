// Entry of the process before replicas where the kernel does not share out connections: `bun replica-proxy.ts <label> <port>`.
import { loadConfig } from '../core/config.ts';
import { createLog } from '../core/log.ts';
import type { EngineMessage } from './child.ts';
import { startHeartbeat } from './heartbeat.ts';
import { type Backends, TcpProxy } from './tcp-proxy.ts';

const [label = '', wanted = '0'] = process.argv.slice(2);
const tell = (message: EngineMessage) => process.send?.(message);
const { host, logLevel } = loadConfig();
const port = Number(process.env.NAUTILUS_REPLICA_PORT || wanted);
const log = createLog(label, logLevel);
const proxy = new TcpProxy();

try {
  const taken = await proxy.listen(host, port);
  process.on('message', (message: Backends) => proxy.setBackends(message.ports));
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {
    proxy.close();
    process.exit(0);
  });
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  startHeartbeat();
  tell({ type: 'ready', port: taken, privatePort: null });
} catch (error) {
  log.error({ err: error }, 'could not start');
  const isTaken = (error as { code?: string }).code === 'EADDRINUSE';
  const message = isTaken
    ? `Port ${port} of ${label} is taken by another program: stop it (lsof -i :${port}) or set NAUTILUS_PORTS=free`
    : String(error);
  tell({ type: 'failed', message, fatal: isTaken });
  // Lets the message out before the channel closes.
  await Bun.sleep(20);
  process.exit(1);
}
