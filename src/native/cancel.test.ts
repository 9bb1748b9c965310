// The token that tells native work that its caller has given up.
import { expect, test } from 'bun:test';
import { withToken } from './cancel.ts';
import { CancelledError } from './errors.ts';

test('the token turns when the signal is aborted, and no more once the work is done', async () => {
  const stop = new AbortController();
  let kept: Uint32Array | undefined;
  const seen = await withToken(stop.signal, async (token) => {
    kept = token;
    const before = token[0];
    await Promise.resolve();
    stop.abort();
    return [before, token[0]];
  });
  expect(seen).toEqual([0, 1]);
  const later = new AbortController();
  await withToken(later.signal, async (token) => {
    kept = token;
  });
  later.abort();
  expect(kept![0]).toBe(0);
});

test('work of a signal that is aborted already does not begin', async () => {
  let began = false;
  const refused = withToken(AbortSignal.abort(), async () => {
    began = true;
  });
  expect(await refused.catch((error: unknown) => error)).toBeInstanceOf(CancelledError);
  expect(began).toBe(false);
});

test("what the addon throws becomes an error of the project's", async () => {
  const thrown = Object.assign(new Error('was cancelled'), { code: 'kCancelled' });
  const failed = withToken(undefined, () => Promise.reject(thrown));
  expect(await failed.catch((error: unknown) => error)).toBeInstanceOf(CancelledError);
});
