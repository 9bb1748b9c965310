// A hub in a process of its own, as it is under the supervisor, for benches; run as a script it is that hub.
import { join } from 'node:path';
import { HubLink } from '../../src/bus/hub-log.ts';
import { HubServer } from '../../src/bus/hub-server.ts';
import { LogStore } from '../../src/bus/log-store.ts';

/** A running hub. */
export interface HubProcess {
  /** A connection for requests, open already; closed by `stop`. */
  connect(name: string): Promise<HubLink>;
  stop(): Promise<void>;
}

/** Starts a hub whose socket and log file are in `folder`. */
export function startHub(folder: string): HubProcess {
  const socketPath = join(folder, 'hub.sock');
  const child = Bun.spawn([process.execPath, import.meta.path, socketPath], {
    stdout: 'ignore',
    stderr: 'inherit',
    ipc: () => {},
  });
  const links: HubLink[] = [];
  return {
    connect: async (name) => {
      const link = new HubLink({ socketPath, name });
      links.push(link);
      while (!link.connected) await Bun.sleep(2);
      return link;
    },
    stop: async () => {
      await Promise.all(links.map((link) => link.close()));
      child.kill();
      await child.exited;
    },
  };
}

if (import.meta.main) {
  const socketPath = process.argv[2]!;
  const log = new LogStore({ path: join(socketPath, '../hub-log.sqlite') });
  new HubServer({ socketPath, maxQueuedBytes: 2 ** 26, log }).listen();
  process.on('disconnect', () => process.exit(0));
}
