// What the answers to bodies of templates share: the time of a request.
import { expect, test } from 'bun:test';
import { Templates } from './service.ts';
import { symbolsRequest } from './symbols/schemas.ts';
import type { TemplateParts } from './template.ts';

test('all that a request runs shares its time', async () => {
  const asked: (number | undefined)[] = [];
  const given: number[] = [];
  let left = 500;
  const card = { inputs: [{ name: 'x' }], serving: { target: { kind: 'log_return' } } };
  const serving = {
    timer(timeoutMs: number | undefined, signal: AbortSignal) {
      asked.push(timeoutMs);
      return () => ({ timeoutMs: left--, signal });
    },
    model: async (_: string, __: object, { timeoutMs }: { timeoutMs: number }) => {
      given.push(timeoutMs);
      return { card };
    },
    predict: async ({ timeout_ms }: { timeout_ms: number }) => {
      given.push(timeout_ms);
      return { predictions: [1], interval: null, hardware_used: 'cpu', hardware_reason: 'asked for' };
    },
  };
  const templates = new Templates({ serving, deployed: async () => null } as unknown as TemplateParts);
  const body = symbolsRequest.parse({
    model_type: 'trading_signals',
    symbols: ['A'],
    features: { x: [1] },
    timeout_ms: 500,
  });
  const { SERVED_TEMPLATES } = await import('./index.ts');
  await templates.answer({ template: SERVED_TEMPLATES[0]!, body }, 'auto', new AbortController().signal);
  // The signal's model and the price's: each opened, then run.
  expect([asked, given]).toEqual([[500], [500, 499, 498, 497]]);
});
