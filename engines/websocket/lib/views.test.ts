// Choosing and writing messages for clients.
import { describe, expect, test } from 'bun:test';
import type { Envelope } from '../../../src/bus/envelope.ts';
import { frameText, Outgoing, View, viewKey } from './views.ts';

function envelope(topic: string, body: object, more: Partial<Envelope> = {}): Envelope {
  return {
    id: 'i',
    topic,
    version: 1,
    ts_event_us: 1,
    ts_sent_us: 2,
    correlation_id: 'c"1',
    source: 'x',
    body,
    ...more,
  };
}
const bar = (symbol: string) => envelope('market.live_data', { symbol, close: 1 });

describe('view', () => {
  test('writes one message alone and several as one batch', () => {
    const view = new View(new Map([['market.*', undefined]]));
    const [single] = view.frames([new Outgoing(bar('A'))]);
    expect(JSON.parse(frameText(single!, 7))).toEqual({
      type: 'message',
      seq: 7,
      topic: 'market.live_data',
      ts_event_us: 1,
      ts_sent_us: 2,
      correlation_id: 'c"1',
      body: { symbol: 'A', close: 1 },
    });
    const [batch] = view.frames([new Outgoing(bar('A')), new Outgoing(bar('B'))]);
    const parsed = JSON.parse(frameText(batch!, 9));
    expect([parsed.type, parsed.seq, batch!.count]).toEqual(['batch', 9, 2]);
    expect(parsed.messages.map((m: { body: { symbol: string } }) => m.body.symbol)).toEqual(['A', 'B']);
  });

  test('names the replay that a message belongs to', () => {
    const view = new View(new Map([['*', undefined]]));
    const [frame] = view.frames([new Outgoing(envelope('market.live_data', {}, { session: 's1', step: 0 }))]);
    expect(JSON.parse(frameText(frame!, 1)).session).toBe('s1');
  });

  test('splits a burst into frames that keep the order and lose nothing', () => {
    const view = new View(new Map([['*', undefined]]));
    const burst = Array.from({ length: 2000 }, (_, i) => new Outgoing(bar(`S${i}`)));
    const frames = view.frames(burst);
    expect(frames.length).toBeGreaterThan(1);
    const symbols = frames.flatMap((f) =>
      JSON.parse(frameText(f, 1)).messages.map((m: { body: { symbol: string } }) => m.body.symbol),
    );
    expect(symbols).toEqual(burst.map((_, i) => `S${i}`));
    const large = Array.from(
      { length: 3 },
      () => new Outgoing(envelope('market.live_data', { t: 'x'.repeat(200_000) })),
    );
    expect(view.frames(large).map((f) => f.type)).toEqual(['message', 'message', 'message']);
  });

  test('filters by fields, and lets messages without the field pass', () => {
    const view = new View(
      new Map([
        ['market.*', { symbol: ['A'] }],
        ['portfolio.*', { portfolio_id: ['p1'], symbol: ['A'] }],
      ]),
    );
    expect(view.wants(bar('A'))).toBe(true);
    expect(view.wants(bar('B'))).toBe(false);
    expect(view.wants(envelope('portfolio.valuations', { portfolio_id: 'p1' }))).toBe(true);
    expect(view.wants(envelope('portfolio.valuations', { portfolio_id: 'p2' }))).toBe(false);
    expect(view.wants(envelope('ml.predictions', { symbol: 'A' }))).toBe(false);
  });

  test('passes a message that any of several subscriptions wants', () => {
    const view = new View(
      new Map([
        ['market.*', { symbol: ['A'] }],
        ['market.live_data', { symbol: ['B'] }],
      ]),
    );
    expect([bar('A'), bar('B'), bar('C')].map((e) => view.wants(e))).toEqual([true, true, false]);
  });

  test('has one key for one set of subscriptions, in whatever order it was made', () => {
    const a = viewKey(
      new Map([
        ['x', { symbol: ['B', 'A', 'A'] }],
        ['y', undefined],
      ]),
    );
    const b = viewKey(
      new Map([
        ['y', undefined],
        ['x', { symbol: ['A', 'B'] }],
      ]),
    );
    expect(a).toBe(b);
    expect(
      viewKey(
        new Map([
          ['x', { portfolio_id: ['A', 'B'] }],
          ['y', undefined],
        ]),
      ),
    ).not.toBe(a);
  });
});
