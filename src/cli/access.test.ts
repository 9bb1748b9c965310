// The table of rights against the routes of all engines: none is missing, none is made up.
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { TestEngine } from '../../test/support/engine.ts';
import { ACCESS, KERNELS, rightsOf } from '../http/access.ts';
import type { EngineParts } from '../http/engine.ts';
import { ENGINES } from './engines.ts';

setDefaultTimeout(60_000);

const running: TestEngine[] = [];
afterAll(async () => {
  for (const engine of running) await engine.stop();
});

async function routesOf(entry: (typeof ENGINES)[number]): Promise<string[]> {
  const definition = await entry.load();
  let parts: EngineParts | undefined;
  running.push(
    await TestEngine.start({
      ...definition,
      create: async (context) => {
        parts = await definition.create(context);
        return parts;
      },
    }),
  );
  const routes = parts!.routes.routes.map((r: { method: string; path: string }) => `${r.method} ${r.path}`);
  return routes.map((route) => (/^POST \/kernels\/\w+$/.test(route) ? KERNELS : route));
}

describe.each(ENGINES.map((e) => [e.name, e] as const))('%s', (name, entry) => {
  test('names the right of every route that is no GET, and no route that there is not', async () => {
    const routes = await routesOf(entry);
    const table = ACCESS[name] ?? {};
    expect(routes.filter((route) => !route.startsWith('GET ') && !(route in table))).toEqual([]);
    expect(Object.keys(table).filter((route) => !routes.includes(route))).toEqual([]);
    const rightOf = rightsOf(name);
    for (const route of routes) {
      const [method, pattern] = route.split(' ') as [string, string];
      const right = rightOf(method, pattern.replace(/:\w+/g, 'some-id'));
      expect([route, right.access]).toEqual([route, table[route] ?? 'read']);
    }
  });
});

test('what a table does not name needs the role admin, in every spelling', () => {
  const rightOf = rightsOf('risk');
  expect(rightOf('PUT', '/limits/p')).toMatchObject({ access: 'admin', pattern: '/limits/:portfolio_id' });
  for (const [method, path] of [
    ['POST', '/no/such/route'],
    ['DELETE', '/risk/check/p'],
    ['POST', '/risk/check/'],
    ['POST', '/risk/check/p/'],
    ['POST', '/risk/%63heck/p'],
    ['POST', '//risk/check/p'],
    ['OPTIONS', '/limits/p'],
    ['post', '/risk/check/p'],
  ] as const) {
    expect([method, path, rightOf(method, path)]).toEqual([
      method,
      path,
      { access: 'admin', pattern: 'unmatched', changes: true },
    ]);
  }
  expect(rightOf('HEAD', '/limits/p')).toMatchObject({ access: 'read', changes: false });
  expect(rightsOf('websocket')('GET', '/console/app.js').access).toBe('open');
  expect(rightsOf('websocket')('GET', '/console/').access).toBe('read');
  expect(rightsOf('websocket')('GET', '/console/a/b').access).toBe('read');
});
