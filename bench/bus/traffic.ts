// The messages of the bus bench: real bodies on real topics, so that checks and encoding cost what they cost in use.
import type { Bus } from '../../src/bus/client.ts';
import { HubTransport } from '../../src/bus/hub-client.ts';
import { RedisTransport } from '../../src/bus/redis-transport.ts';
import { topics } from '../../src/bus/topics.ts';
import type { Transport } from '../../src/bus/transport.ts';
import { redisSettings } from '../../src/core/redis-settings.ts';

/** Session of messages that a subscriber answers with a pong. */
export const PING_SESSION = 'ping';

/** Returns a transport to `place`: the URL of a Redis, or the path of a hub's socket. */
export function transportTo(place: string, name: string): Transport {
  if (!place.startsWith('redis://')) return new HubTransport({ socketPath: place, name });
  return new RedisTransport({ settings: redisSettings({ url: place, prefix: 'bench:' }), name });
}

/** Publishes one bar of the topic that all engines read. */
export function publishBar(bus: Bus, index: number, session?: string): void {
  const body = {
    symbol: 'BTC-PERP',
    ts_event_us: 1_640_991_660_000_000 + index,
    interval_us: 60_000_000,
    open: 46_319,
    high: 46_385.5,
    low: 46_319,
    close: 46_377.25,
    volume: 2_300_413.7295,
    source: 'replay',
  };
  bus.publish(topics.marketLiveData, body, session === undefined ? {} : { session, step: index });
}

/**
 * Subscribes `bus` to bars. Tells the running count after each batch of load; answers each ping at once with a pong
 * (a message of presence with the subscriber's name).
 */
export async function attachSubscriber(
  bus: Bus,
  name: string,
  tell: (received: number) => void,
): Promise<void> {
  let received = 0;
  await bus.subscribe(topics.marketLiveData, (batch) => {
    if (batch[0]!.session === PING_SESSION) {
      bus.publish(topics.lifecycle, {
        engine: name,
        event: 'started',
        pid: null,
        exit_code: null,
        detail: 'pong',
      });
      bus.flush();
      return;
    }
    received += batch.length;
    tell(received);
  });
}
