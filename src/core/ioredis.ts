// The client library of Redis: loaded when it is first needed, without the price of traces that nobody records.
import type { Channel } from 'node:diagnostics_channel';

type Channels = Readonly<Record<'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error', Channel>>;

/**
 * Returns ioredis. It describes each command, arguments as text and a promise more, to whoever records traces of it, and asks
 * `hasSubscribers` of the channel whether anybody does. Bun does not know that yet (oven-sh/bun#27805), which counts as yes,
 * and costs a tenth of what a command costs. So this adds it where it is missing, as Node.js has it.
 */
export async function loadRedis(): Promise<typeof import('ioredis')> {
  const [{ tracingChannel }, ioredis] = await Promise.all([
    import('node:diagnostics_channel'),
    import('ioredis'),
  ]);
  const prototype = Object.getPrototypeOf(tracingChannel('ioredis:command'));
  if (!('hasSubscribers' in prototype)) {
    Object.defineProperty(prototype, 'hasSubscribers', {
      configurable: true,
      get(this: Channels) {
        const { start, end, asyncStart, asyncEnd, error } = this;
        return [start, end, asyncStart, asyncEnd, error].some((channel) => channel.hasSubscribers);
      },
    });
  }
  quietSentinels(ioredis.SentinelConnector.prototype as unknown as SentinelClients);
  return ioredis;
}

interface SentinelClients {
  connectToSentinel(...args: unknown[]): { on(event: 'error', listener: () => void): void };
}

let isQuiet = false;

// The library writes to the console of each Sentinel that it listens to and cannot reach; the connection itself says what matters.
function quietSentinels(prototype: SentinelClients): void {
  if (isQuiet) return;
  isQuiet = true;
  const connect = prototype.connectToSentinel;
  prototype.connectToSentinel = function (this: SentinelClients, ...args) {
    const client = connect.apply(this, args);
    client.on('error', () => {});
    return client;
  };
}
