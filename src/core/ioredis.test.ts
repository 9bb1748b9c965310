// Whether commands of Redis are described to traces: only when somebody records them.
import { expect, test } from 'bun:test';
import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import { loadRedis } from './ioredis.ts';

test('commands of Redis are described to whoever records traces of them, and to nobody else', async () => {
  const { Redis } = await loadRedis();
  const answer = (socket: { write(text: string): unknown }) => void socket.write(':1\r\n');
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: answer } });
  const quiet = { enableReadyCheck: false, disableClientInfo: true, protocol: 2 } as const;
  const client = new Redis({ port: server.port, lazyConnect: true, ...quiet });
  await client.connect();
  const channel = tracingChannel('ioredis:command');
  expect(channel.hasSubscribers).toBe(false);
  const commands: unknown[] = [];
  const recorder = { start: (context: object) => void commands.push(context) };
  channel.subscribe(recorder as unknown as TracingChannelSubscribers<object>);
  try {
    expect(channel.hasSubscribers).toBe(true);
    await client.exists('a');
    expect(commands).toMatchObject([{ command: 'exists', args: ['a'] }]);
  } finally {
    channel.unsubscribe(recorder as unknown as TracingChannelSubscribers<object>);
  }
  expect(channel.hasSubscribers).toBe(false);
  await client.exists('b');
  expect(commands).toHaveLength(1);
  client.disconnect();
});
