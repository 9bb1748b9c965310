// Requests of commands while engines come and go.
import { expect, test } from 'bun:test';
import { NotFoundError } from '../core/errors.ts';
import { problemResponse } from '../http/problem.ts';
import { followed } from './http-client.ts';

test('what is followed is asked again where it is back, and what an engine says against it is passed on', async () => {
  const gone = Bun.serve({ port: 0, fetch: () => Response.json({}) });
  const nobody = `http://127.0.0.1:${gone.port}/`;
  await gone.stop(true);
  await using back = Bun.serve({
    port: 0,
    fetch: ({ url }) =>
      url.endsWith('/none')
        ? problemResponse(new NotFoundError('No such replay'), 'id')
        : Response.json({ state: 'failed' }),
  });
  const places = [nobody, back.url.href];
  const found = await followed<{ state: string }>(() => places.shift()!);
  expect([found, places]).toEqual([{ state: 'failed' }, []]);
  await expect(followed(() => `${back.url}none`)).rejects.toThrow('No such replay');
});
