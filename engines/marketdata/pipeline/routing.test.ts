// The choice of a source: fail-over, fail-back with hysteresis, nothing twice and nothing lost; comparison of two sources.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { BarRecord, Trade } from '../../../src/market/records.ts';
import { Arbitration } from './arbitration.ts';
import { ROUTING_LIMITS, Routing, type SourceState } from './routing.ts';

const S = 1_000_000;
const SYMBOL = 'BTC-USD';

const bar = (source: string, minute: number): BarRecord => ({
  kind: 'bar',
  symbol: SYMBOL,
  source,
  tsEventUs: minute * 60 * S,
  tsReceiveUs: (minute + 1) * 60 * S,
  sequence: null,
  flags: 0,
  unit: 'time',
  interval: 60 * S,
  open: 1,
  high: 1,
  low: 1,
  close: 1,
  volume: 1,
  trades: null,
  adjusted: [],
});

const trade = (source: string, tsEventUs: number): Trade => ({
  kind: 'trade',
  symbol: SYMBOL,
  source,
  tsEventUs,
  tsReceiveUs: tsEventUs,
  sequence: null,
  flags: 0,
  scale: { price: 0, size: 0 },
  price: 1,
  size: 1,
  side: null,
  id: null,
});

class States {
  readonly all = new Map<string, SourceState>();
  readonly of = (source: string): SourceState => this.all.get(source) ?? { trouble: null, late: false };
  say(source: string, trouble: string | null, late = false): void {
    this.all.set(source, { trouble, late });
  }
}

function routed(sources = ['a', 'b']) {
  const states = new States();
  const routing = new Routing(states.of);
  const first = routing.set(SYMBOL, 'trade', sources, 0);
  return { states, routing, first, active: () => routing.activeOf(SYMBOL, 'trade') };
}

describe('routing', () => {
  test('takes the best source that is well, and says why', () => {
    const { first, active } = routed();
    expect(first).toMatchObject({ from: null, to: 'a', reason: 'first of 2 that is well' });
    expect(active()).toBe('a');
  });

  test('fails over at once, with the reason, and back only after the better one was well for long enough', () => {
    const { states, routing, active } = routed();
    states.say('a', 'disconnected');
    expect(routing.review(S)).toMatchObject([{ from: 'a', to: 'b', reason: 'a: disconnected' }]);
    states.say('a', null);
    expect(routing.review(2 * S)).toEqual([]);
    // Another loss begins the wait anew.
    states.say('a', 'silent');
    routing.review(8 * S);
    states.say('a', null);
    routing.review(9 * S);
    expect(routing.review(9 * S + ROUTING_LIMITS.failBackUs - 1)).toEqual([]);
    expect(active()).toBe('b');
    expect(routing.review(9 * S + ROUTING_LIMITS.failBackUs)).toMatchObject([{ from: 'b', to: 'a' }]);
    expect(routing.views()[0]).toMatchObject({ source: 'a', changes: 2 });
    expect(routing.changes.map((c) => c.to)).toEqual(['a', 'b', 'a']);
  });

  test('keeps the last source while none is well', () => {
    const { states, routing, active } = routed();
    states.say('a', 'disconnected');
    states.say('b', 'disconnected');
    expect(routing.review(S)).toEqual([]);
    expect(active()).toBe('a');
  });

  test('leaves a source that has nothing of a stream while another has', () => {
    const { routing, active } = routed();
    routing.take(trade('a', 1), S);
    routing.review(40 * S);
    expect(active()).toBe('a');
    for (let second = 2; second < 40; second++) routing.take(trade('b', second * S), second * S);
    routing.review(40 * S);
    expect(active()).toBe('b');
    expect(routing.changes[0]!.reason).toBe('a: nothing of trade for too long');
  });

  test('prefers a source in time, but keeps a late one that is alone', () => {
    const { states, routing, active } = routed();
    states.say('a', null, true);
    routing.review(S);
    expect(active()).toBe('a');
    routing.review(ROUTING_LIMITS.holdUs);
    expect(active()).toBe('b');
    states.say('b', 'disconnected');
    routing.review(ROUTING_LIMITS.holdUs + S);
    expect(active()).toBe('a');
  });

  test('a stream that is no good is left alone, the other streams of its source stay', () => {
    const { routing } = routed();
    routing.set(SYMBOL, 'book', ['a', 'b'], 0);
    expect(routing.trouble('a', SYMBOL, 'book', 'broken: gap', S)).toMatchObject({ from: 'a', to: 'b' });
    expect(routing.trouble('a', SYMBOL, 'book', 'broken: gap', S)).toBeNull();
    expect(routing.activeOf(SYMBOL, 'trade')).toBe('a');
  });

  test('publishes what the new source had said meanwhile, once', () => {
    const states = new States();
    const routing = new Routing(states.of);
    routing.set(SYMBOL, 'bar', ['a', 'b'], 0);
    const published: number[] = [];
    const take = (record: BarRecord, nowUs: number) => {
      if (routing.take(record, nowUs) === 'publish') published.push(record.tsEventUs / 60 / S);
    };
    for (const minute of [1, 2, 3]) {
      take(bar('a', minute), minute * 60 * S);
      take(bar('b', minute), minute * 60 * S);
    }
    // a is lost unnoticed: minute 4 comes from b alone.
    take(bar('b', 4), 240 * S);
    states.say('a', 'silent');
    const [change] = routing.review(255 * S);
    for (const record of routing.caughtUp(change!)) published.push(record.tsEventUs / 60 / S);
    take(bar('b', 5), 300 * S);
    expect(published).toEqual([1, 2, 3, 4, 5]);
  });

  test('never publishes one bar of two sources, whatever fails when', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            source: fc.constantFrom('a', 'b'),
            lag: fc.integer({ min: 0, max: 3 }),
            trouble: fc.option(fc.constantFrom('disconnected', 'silent')),
          }),
          { maxLength: 60 },
        ),
        (steps) => {
          const states = new States();
          const routing = new Routing(states.of);
          routing.set(SYMBOL, 'bar', ['a', 'b'], 0);
          const next: Record<string, number> = { a: 0, b: 0 };
          const published: number[] = [];
          steps.forEach(({ source, lag, trouble }, i) => {
            const nowUs = (i + 1) * 20 * S;
            const minute = Math.max(next[source]!, i - lag);
            next[source] = minute + 1;
            if (routing.take(bar(source, minute), nowUs) === 'publish') published.push(minute);
            states.say(source, trouble);
            for (const change of routing.review(nowUs))
              for (const record of routing.caughtUp(change)) published.push(record.tsEventUs / 60 / S);
          });
          expect(published).toEqual([...new Set(published)].sort((x, y) => x - y));
        },
      ),
    );
  });

  test('forgets a stream without sources', () => {
    const { routing } = routed();
    routing.set(SYMBOL, 'trade', [], S);
    expect(routing.views()).toEqual([]);
    expect(routing.take(trade('a', 1), S)).toBe('standby');
  });
});

describe('arbitration', () => {
  const at = (source: string, price: number) => ({ symbol: SYMBOL, stream: 'quote' as const, source, price });

  test('says in basis points how far a source is from the one that is published', () => {
    const arbitration = new Arbitration();
    arbitration.note(at('a', 100), 'a', 0);
    arbitration.note(at('b', 101), 'a', S);
    const [view] = arbitration.views();
    expect(view).toMatchObject({ source: 'b', against: 'a', comparisons: 1, state: 'agrees' });
    // 1 over the mean of 100.5.
    expect(view!.last_bps).toBeCloseTo(99.5025, 4);
  });

  test('compares only what was heard close together', () => {
    const arbitration = new Arbitration();
    arbitration.note(at('a', 100), 'a', 0);
    arbitration.note(at('b', 200), 'a', 3 * S);
    expect(arbitration.views()).toEqual([]);
  });

  test('changes its verdict after several comparisons in a row, and tells it once', () => {
    const arbitration = new Arbitration();
    arbitration.note(at('a', 100), 'a', 0);
    const said = (price: number) => arbitration.note(at('b', price), 'a', S)?.state ?? null;
    expect([101, 101, 100, 101, 101, 101, 101].map(said)).toEqual(Array(7).fill(null));
    expect([101, 101].map(said)).toEqual(['diverges', null]);
    // 45 bps is below the threshold, and not far enough for peace.
    expect(Array.from({ length: 8 }, () => said(100.45))).toEqual(Array(8).fill(null));
    expect([100, 100, 100, 100, 100].map(said)).toEqual([null, null, null, null, 'agrees']);
    arbitration.forget(SYMBOL, 'quote');
    expect(arbitration.views()).toEqual([]);
  });
});
