// Clients of the ML engine: one in a process of its own, and loads of requests for predictions.
import { join } from 'node:path';
import { rowsOf } from './models.ts';

/** A running process that serves predictions. */
export interface PredictionServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a program that tells its URL and ends with its parent: the engine, or what it is compared with. */
export async function startServer(program: string, args: readonly string[]): Promise<PredictionServer> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = Bun.spawn([process.execPath, program, ...args], {
    env: { ...process.env, NODE_ENV: 'production' },
    stdout: 'ignore',
    stderr: 'inherit',
    ipc: (message: { url: string }) => resolve(message.url),
  });
  void child.exited.then(() => reject(new Error(`${program} did not start`)));
  return {
    url: await promise,
    async stop() {
      child.disconnect();
      await child.exited;
    },
  };
}

/** Starts the ML engine on a models directory. */
export const startEngine = (directory: string) =>
  startServer(join(import.meta.dir, 'server.ts'), [directory]);

/** What a reply says of a prediction. */
interface Said {
  readonly predictions: readonly number[];
  readonly hardware_used: string;
  readonly where: string;
}

/** Posts a body and returns the reply. Throws for any status but 200. */
export async function post(url: string, path: string, body: unknown): Promise<Said> {
  const response = await fetch(url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  if (response.status !== 200) throw new Error(`Expected 200 from ${path}, was ${response.status}`);
  return (await response.json()) as Said;
}

/** How long requests took. */
export interface Times {
  readonly ms: number[];
  readonly seconds: number;
  /** `hardware_used`, and within which process. */
  readonly routes: ReadonlySet<string>;
}

/** Clients that ask for one row, each again as soon as it has its answer. */
export async function closedLoop(
  url: string,
  clients: number,
  forMs: number,
  model_id: string,
): Promise<Times> {
  const ms: number[] = [];
  const routes = new Set<string>();
  const began = performance.now();
  const client = async (number: number) => {
    for (let i = 0; performance.now() - began < forMs; i++) {
      const started = performance.now();
      const { hardware_used, where } = await post(url, '/predict', {
        model_id,
        inputs: rowsOf(1, number + i),
      });
      ms.push(performance.now() - started);
      routes.add(`${hardware_used}, ${where}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number * 1000)));
  return { ms, seconds: (performance.now() - began) / 1000, routes };
}

/** One row at each due time, whether or not the ones before are answered; latencies count from the due time. */
export async function openLoop(url: string, rate: number, forMs: number, model_id: string): Promise<Times> {
  const ms: number[] = [];
  const waiting: Promise<unknown>[] = [];
  const began = performance.now();
  const count = (rate * forMs) / 1000;
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - began) * rate) / 1000) + 1);
    for (; sent < due; sent++) {
      const dueMs = began + (sent * 1000) / rate;
      const asked = post(url, '/predict', { model_id, inputs: rowsOf(1, sent) });
      waiting.push(asked.then(() => ms.push(performance.now() - dueMs)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(waiting);
  return { ms, seconds: (performance.now() - began) / 1000, routes: new Set() };
}
