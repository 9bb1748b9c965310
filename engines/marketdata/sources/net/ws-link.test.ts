// The WebSocket link against a local server that drops, hangs and misbehaves, in manual time.
import { afterEach, describe, expect, spyOn, test } from 'bun:test';
import type { ServerWebSocket } from 'bun';
import { ManualTime } from '../../../../src/core/timers.ts';
import { eventually } from '../../../../test/support/eventually.ts';
import { type LinkOptions, WsLink } from './ws-link.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** A server of one path, and a link to it; what happens on either side is noted. */
function rig(options: Partial<LinkOptions> = {}) {
  const time = new ManualTime();
  const heard: string[] = [];
  const seen: (string | { lost: string; retryMs: number })[] = [];
  const sockets: ServerWebSocket[] = [];
  const headers: Headers[] = [];
  let refuse = false;
  const server = Bun.serve({
    port: 0,
    fetch(request, self) {
      headers.push(request.headers);
      if (!refuse && self.upgrade(request)) return;
      return new Response('no', { status: 503 });
    },
    websocket: {
      idleTimeout: 0,
      open: (socket) => void sockets.push(socket),
      message: (_socket, message) => void heard.push(String(message)),
    },
  });
  const link = new WsLink(
    {
      url: () => `ws://127.0.0.1:${server.port}/`,
      clock: time,
      timers: time,
      random: () => 0.5,
      silenceMs: 20_000,
      ...options,
    },
    {
      open: () => seen.push('open'),
      message: (data) => seen.push(typeof data === 'string' ? data : `bytes ${data.join(' ')}`),
      lost: (reason, retryMs) => seen.push({ lost: reason, retryMs }),
      pong: () => seen.push('pong'),
    },
  );
  undo.push(() => {
    link.close();
    server.stop(true);
  });
  const until = (count: number) => eventually(() => seen.length >= count, `${count} events`);
  const setRefuse = (value: boolean) => {
    refuse = value;
  };
  return { time, heard, seen, sockets, headers, link, until, setRefuse, socket: () => sockets.at(-1)! };
}

/** Short masked frames as their operation and payload (RFC 6455, section 5.2). */
function frames(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at + 1]! & 0x7f;
    const masked = bytes.subarray(at + 6, at + 6 + length);
    const plain = masked.map((byte, n) => byte ^ bytes[at + 2 + (n % 4)]!);
    found.push(`${(bytes[at]! & 0xf).toString(16)} ${String.fromCharCode(...plain)}`);
    at += 6 + length;
  }
  return found;
}

describe('a WebSocket link', () => {
  test('carries messages both ways, text and bytes, with its headers', async () => {
    const { heard, seen, headers, link, until, socket } = rig({ headers: { 'x-token': 'abc' } });
    await until(1);
    link.send('hello');
    await eventually(() => heard.length === 1, 'the message');
    socket().send('one');
    socket().send(new Uint8Array([1, 2]));
    await until(3);
    expect([heard, seen, headers[0]!.get('x-token')]).toEqual([
      ['hello'],
      ['open', 'one', 'bytes 1 2'],
      'abc',
    ]);
  });

  test('comes back after a loss with growing waits, short again after a healthy time', async () => {
    const { time, seen, until, socket, setRefuse } = rig({ healthyMs: 5000, secrets: ['hush-hush'] });
    await until(1);
    setRefuse(true);
    socket().close(1012, 'restart hush-hush');
    await until(2);
    expect(seen[1]).toEqual({ lost: 'closed with 1012: restart [redacted]', retryMs: 275 });
    time.advance(275);
    await until(3);
    expect(seen[2]).toMatchObject({ retryMs: 525 });
    setRefuse(false);
    time.advance(525);
    await until(4);
    expect(seen[3]).toBe('open');
    time.advance(5000);
    socket().terminate();
    await until(5);
    expect(seen[4]).toMatchObject({ retryMs: 275 });
  });

  test('gives up a socket that is open and silent, but not one that only answers pings', async () => {
    const silent = rig({ silenceMs: 10_000 });
    await silent.until(1);
    silent.time.advance(6000);
    silent.socket().send('word');
    await silent.until(2);
    silent.time.advance(9999);
    expect(silent.seen).toHaveLength(2);
    silent.time.advance(1);
    expect(silent.seen[2]).toEqual({ lost: 'silent for 10000 ms', retryMs: 275 });
    const pinging = rig({ silenceMs: 10_000, ping: { everyMs: 6000, message: 'frame' } });
    await pinging.until(1);
    for (let n = 2; n < 6; n++) {
      pinging.time.advance(6000);
      await pinging.until(n);
    }
    expect(pinging.seen).toEqual(['open', 'pong', 'pong', 'pong', 'pong']);
    const asking = rig({ ping: { everyMs: 6000, message: () => 'ping' } });
    await asking.until(1);
    asking.time.advance(12_000);
    await eventually(() => asking.heard.length === 2, 'two pings');
    asking.time.advance(8000);
    expect(asking.seen[1]).toMatchObject({ lost: 'silent for 20000 ms' });
  });

  test('ends a connection with a message that is too large, or that grows too old', async () => {
    const { time, seen, link, until, socket } = rig({ maxMessageBytes: 10, maxAgeMs: 15_000 });
    await until(1);
    socket().send('x'.repeat(11));
    await until(2);
    expect(seen[1]).toEqual({ lost: 'a message of 11 bytes, of 10 allowed', retryMs: 275 });
    time.advance(275);
    await until(3);
    time.advance(15_000);
    expect(seen[3]).toMatchObject({ lost: 'replaced after 15000 ms' });
    time.advance((seen[3] as { retryMs: number }).retryMs);
    await until(5);
    link.renew('the venue goes away');
    link.renew('the venue goes away');
    expect(seen.slice(5)).toMatchObject([{ lost: 'the venue goes away' }]);
  });

  test('gives up a server that accepts and never answers', async () => {
    const accepted = Promise.withResolvers<void>();
    const mute = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: { data: () => accepted.resolve() },
    });
    undo.push(() => mute.stop(true));
    const { time, seen } = rig({ url: () => `ws://127.0.0.1:${mute.port}/`, connectMs: 3000 });
    await accepted.promise;
    time.advance(3000);
    expect(seen).toEqual([{ lost: 'not connected within 3000 ms', retryMs: 275 }]);
  });

  test('a peer that never answers a goodbye keeps no socket open; pings of the venue are answered with their payload', async () => {
    const heard: string[] = [];
    const over = Promise.withResolvers<void>();
    const mute = Bun.listen({
      hostname: '127.0.0.1',
      port: 0,
      socket: {
        data(socket, bytes) {
          const key = /sec-websocket-key: (.*)\r\n/i.exec(bytes.toString('latin1'))?.[1];
          if (key === undefined) {
            heard.push(...frames(bytes));
            return;
          }
          const accept = new Bun.CryptoHasher('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
          const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade';
          socket.write(`${head}\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`);
          socket.write(new Uint8Array([0x89, 2, 0x68, 0x69]));
        },
        close: () => over.resolve(),
      },
    });
    undo.push(() => mute.stop(true));
    const { link } = rig({ url: () => `ws://127.0.0.1:${mute.port}/` });
    await eventually(() => heard.length === 1, 'the pong');
    link.close();
    await over.promise;
    expect(heard).toEqual(['a hi', '8 \u0003\u00e8']);
  });

  test('a flood leaves every turn of the event loop to others, and loses nothing of it', async () => {
    const pauses = spyOn(WebSocket.prototype as unknown as { pause(): void }, 'pause');
    undo.push(() => pauses.mockRestore());
    const { seen, until, socket } = rig({ turnMs: 0 });
    await until(1);
    const texts = Array.from({ length: 3000 }, (_, i) => `${i} ${'x'.repeat(200)}`);
    for (const part of [texts.slice(0, 1500), texts.slice(1500)]) {
      for (const text of part) socket().send(text);
      // What comes after a pause comes too.
      await until(1 + texts.indexOf(part.at(-1)!) + 1);
    }
    expect(seen.slice(1)).toEqual(texts);
    expect(pauses.mock.calls.length).toBeGreaterThanOrEqual(2);
  });

  test('sends no faster than allowed, and nothing of an earlier connection', async () => {
    const { time, heard, link, until, socket } = rig({ sends: { burst: 2, perSecond: 1 } });
    await until(1);
    for (const word of ['a', 'b', 'c', 'd']) link.send(word);
    await eventually(() => heard.length === 2, 'two at once');
    time.advance(1000);
    await eventually(() => heard.length === 3, 'one more');
    socket().close();
    await until(2);
    time.advance(275);
    await until(3);
    time.advance(10_000);
    link.send('e');
    await eventually(() => heard.includes('e'), 'the next');
    expect(heard).toEqual(['a', 'b', 'c', 'e']);
  });

  test('is quiet after close, also while it waits for its next try', async () => {
    const { time, seen, sockets, link, until, socket } = rig();
    await until(1);
    link.close();
    await eventually(() => sockets.every((each) => each.readyState === WebSocket.CLOSED), 'closed');
    expect([time.waiting, seen.length, link.connected]).toEqual([0, 1, false]);
    const lost = rig();
    await lost.until(1);
    lost.socket().close();
    await lost.until(2);
    lost.link.close();
    lost.time.advance(60_000);
    expect([lost.time.waiting, lost.seen.length, lost.sockets.length]).toEqual([0, 2, 1]);
    expect(socket().readyState).toBe(WebSocket.CLOSED);
  });
});
