// The WebSocket engine where keys are asked for: handshakes, and the page's open files.
import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { addKey, revokeKey } from '../../src/http/api-keys.ts';
import { TestEngine } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import { rawRequest } from '../../test/support/raw-request.ts';
import websocket from './index.ts';

setDefaultTimeout(20_000);

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

test('takes no other route for an open one, whatever the host is called', async () => {
  const page = await TestEngine.start(websocket, { NAUTILUS_AUTH: 'required' });
  for (const [path, host, status] of [
    ['/snapshot', 'x', 401],
    ['/console/snapshot', 'x', 404],
    ['/console/snapshot', 'a.b', 404],
    ['/console/../snapshot', 'x', 401],
    ['/console/..%2fsnapshot', 'x', 404],
    ['//snapshot', 'x', 401],
    ['/snapshot', 'x/console/app.js?', 401],
    ['/console/app.js', 'x', 200],
  ] as const) {
    const reply = await rawRequest(page.url, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close`);
    expect([path, host, Number(reply.slice(9, 12))]).toEqual([path, host, status]);
  }
  await page.stop();
});

describe('a WebSocket', () => {
  const offer = (engine: TestEngine, protocols: string[], headers: Record<string, string> = {}) => {
    const socket = new WebSocket(`${engine.url.replace('http', 'ws')}/ws`, { protocols, headers } as never);
    return new Promise<WebSocket | null>((resolve) => {
      socket.onopen = () => resolve(socket);
      socket.onerror = () => resolve(null);
    });
  };

  test('opens with the key as a subprotocol or a header, does not echo it, and closes when the key ends', async () => {
    const engine = await TestEngine.start(websocket, { NAUTILUS_AUTH: 'required' });
    const { key, record } = addKey(engine.context.config, 'page', 'read');
    await eventually(async () => (await engine.get('/connections', bearer(key))).status === 200, 'the key');
    const socket = (await offer(engine, ['nautilus.v1', `nautilus.key.${key}`]))!;
    expect(socket.protocol).toBe('nautilus.v1');
    expect((await offer(engine, [], bearer(key)))?.protocol).toBe('');
    for (const protocols of [
      [],
      ['nautilus.v1'],
      [`nautilus.key.${key}`],
      ['nautilus.v1', `nautilus.key.${key}x`],
    ])
      expect(await offer(engine, protocols)).toBeNull();
    expect(
      await offer(engine, ['nautilus.v1', `nautilus.key.${key}`], { origin: 'http://evil.example' }),
    ).toBeNull();
    const closed = new Promise<CloseEvent>((resolve) => {
      socket.onclose = resolve;
    });
    revokeKey(engine.context.config, record.id);
    expect(await closed).toMatchObject({ code: 1008, reason: 'the API key is no longer valid' });
    await engine.stop();
  });

  test('that was opened without a key closes when the first key is made', async () => {
    const engine = await TestEngine.start(websocket);
    const socket = (await offer(engine, []))!;
    const closed = new Promise<CloseEvent>((resolve) => {
      socket.onclose = resolve;
    });
    addKey(engine.context.config, 'me', 'admin');
    expect((await closed).code).toBe(1008);
    await engine.stop();
  });
});
