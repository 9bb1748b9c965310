// A hub with a durable log in a process of its own, for tests that kill it: `bun test/support/hub-process.ts <folder>`.
import { join } from 'node:path';
import { HubServer } from '../../src/bus/hub-server.ts';
import { LogStore } from '../../src/bus/log-store.ts';
import { eventually } from './eventually.ts';

const socketOf = (folder: string) => join(folder, 'hub.sock');

/** A hub process over the log in `folder`, killed and started again at will. */
export class HubProcess {
  readonly socketPath: string;
  #child: Bun.Subprocess | undefined;

  constructor(readonly folder: string) {
    this.socketPath = socketOf(folder);
  }

  async start(): Promise<void> {
    let ready = false;
    this.#child = Bun.spawn([process.execPath, import.meta.path, this.folder], {
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'inherit',
      ipc: () => {
        ready = true;
      },
    });
    await eventually(() => ready, 'the hub listens');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child?.exited;
  }
}

if (import.meta.main) {
  const folder = process.argv[2]!;
  const log = new LogStore({ path: join(folder, 'log.sqlite') });
  new HubServer({ socketPath: socketOf(folder), maxQueuedBytes: 2 ** 26, log }).listen();
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}
