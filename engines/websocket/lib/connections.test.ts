// Many slow clients: what waits for all of them together is bounded.
import { afterEach, expect, test } from 'bun:test';
import type { ServerWebSocket } from 'bun';
import { Bus } from '../../../src/bus/client.ts';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { MemoryHub } from '../../../src/bus/memory.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { SocketData } from '../../../src/http/engine.ts';
import { Connections, SOCKET_LIMITS } from './connections.ts';
import { Demand } from './demand.ts';

let bus: Bus;
afterEach(() => bus.close());

/** Takes everything, and nobody reads it. */
class UnreadSocket {
  buffered = 0;
  closed = false;
  readonly data: SocketData;
  readonly remoteAddress = '127.0.0.1';

  constructor(id: string) {
    this.data = { id, keyId: null };
  }

  getBufferedAmount(): number {
    return this.buffered;
  }

  send(text: string): number {
    this.buffered += text.length;
    return -1;
  }

  close(): void {
    this.closed = true;
  }
}

function rig(backlogBytes: number, totalBacklogBytes: number) {
  bus = new Bus('test', new MemoryHub().connect());
  const limits = { ...SOCKET_LIMITS, backlogBytes, totalBacklogBytes };
  const connections = new Connections(limits, systemClock, new Demand(bus, [], () => {}), (error) => {
    throw error;
  });
  const { handlers } = connections;
  const open = (id: string) => {
    const socket = new UnreadSocket(id);
    const ws = socket as unknown as ServerWebSocket<SocketData>;
    void handlers.open!(ws);
    void handlers.message!(ws, '{"type":"subscribe","id":"1","topics":["market.trades"]}');
    return { socket, leave: () => handlers.close!(ws, 1000, '') };
  };
  const offer = (count: number) => {
    for (let i = 0; i < count; i++) {
      connections.offer([
        { topic: 'market.trades', body: { symbol: 'A', text: 'x'.repeat(900) } } as unknown as Envelope,
      ]);
      connections.flush();
    }
  };
  return { connections, open, offer };
}

test('with more clients less waits for each, and with fewer again more', () => {
  const [backlog, total, frame] = [50_000, 100_000, 1200];
  const { connections, open, offer } = rig(backlog, total);
  const clients = Array.from({ length: 10 }, (_, i) => open(`c${i}`));
  offer(200);
  // The welcome, with its catalogue, is sent whatever waits.
  const welcome = open('later').socket.buffered;
  for (const { socket } of clients)
    expect(socket.buffered).toBeLessThanOrEqual(Math.max(total / 10, welcome) + frame);
  expect(connections.totals.messages_dropped).toBeGreaterThan(10 * 100);
  for (const { leave } of clients.slice(1)) leave();
  const { socket } = clients[0]!;
  socket.buffered = 0;
  offer(200);
  expect(socket.buffered).toBeGreaterThan(backlog - frame);
  expect(socket.buffered).toBeLessThanOrEqual(backlog + frame);
  // A client that had more to wait for it than there is room now is slow, not dead.
  expect(clients.some((client) => client.socket.closed)).toBe(false);
});
