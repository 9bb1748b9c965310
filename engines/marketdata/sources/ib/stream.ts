// Live trades and quotes of Interactive Brokers, tick by tick.
import type { IBApi } from '@stoqey/ib';
import type { MarketKind, MarketRecord } from '../../../../src/market/records.ts';
import type { LiveSession, SourceContext, SourceSink, Wanted } from '../port.ts';
import type { Scales } from '../scales.ts';
import { contractOf, nativeSymbol } from './contracts.ts';
import { type Gateway, type Sdk, TITLE } from './gateway.ts';

/** One subscription; its number is that of its request. */
interface Listening {
  readonly wanted: Wanted;
  readonly number: number;
}

export class IbSession implements LiveSession {
  readonly #context: SourceContext;
  readonly #gateway: Gateway;
  readonly #scales: Scales;
  readonly #sink: SourceSink;
  readonly #listening = new Map<string, Listening>();
  readonly #byNumber = new Map<number, Wanted>();
  /** The connection whose events are heard. */
  #heard: IBApi | undefined;
  #lostUntold = true;

  constructor(context: SourceContext, gateway: Gateway, scales: Scales, sink: SourceSink) {
    this.#context = context;
    this.#gateway = gateway;
    this.#scales = scales;
    this.#sink = sink;
  }

  want(all: readonly Wanted[]): void {
    const wanted = new Map(
      all.map((each) => [`${each.kind} ${each.symbol} ${each.nativeSymbol ?? ''}`, each]),
    );
    for (const [key, listening] of this.#listening) {
      if (wanted.has(key)) continue;
      this.#listening.delete(key);
      this.#end(listening);
    }
    for (const [key, each] of wanted) {
      if (!this.#listening.has(key)) this.#begin(key, each);
    }
  }

  /** There are no books. */
  resync(): void {}

  async close(): Promise<void> {
    const listening = [...this.#listening.values()];
    this.#listening.clear();
    for (const each of listening) this.#end(each);
  }

  #begin(key: string, wanted: Wanted): void {
    let contract: ReturnType<typeof contractOf>['contract'];
    try {
      if (wanted.kind !== 'trade' && wanted.kind !== 'quote')
        throw new Error(`${TITLE} has no live ${wanted.kind}`);
      ({ contract } = contractOf(wanted.nativeSymbol ?? nativeSymbol(wanted.symbol)));
    } catch (error) {
      this.#refuse(wanted, (error as Error).message);
      return;
    }
    const number = this.#gateway.open({
      failed: (code, message) => {
        this.#refuse(wanted, `${code}: ${message}`);
        if (this.#listening.get(key)?.wanted === wanted) this.#listening.delete(key);
        this.#byNumber.delete(number);
        this.#gateway.close(number);
      },
      lost: (reason, retryMs) => {
        // Once for the connection, not for each subscription.
        if (this.#lostUntold) this.#sink.event({ event: 'disconnected', reason, retryMs });
        this.#lostUntold = false;
      },
      ready: (api, sdk) => {
        this.#hear(sdk, api);
        this.#byNumber.set(number, wanted);
        const { TickByTickDataType: Type } = sdk;
        api.reqTickByTickData(
          number,
          contract,
          wanted.kind === 'trade' ? Type.AllLast : Type.BidAsk,
          0,
          false,
        );
      },
    });
    this.#listening.set(key, { wanted, number });
  }

  #hear({ EventName }: Sdk, api: IBApi): void {
    if (this.#heard === api) return;
    this.#heard = api;
    this.#lostUntold = true;
    this.#sink.event({ event: 'connected' });
    api.on(EventName.tickByTickAllLast, (id, _type, time, price, size) => {
      this.#record(id, 'trade', Number(time), [price], [size]);
    });
    api.on(EventName.tickByTickBidAsk, (id, time, bid, ask, bidSize, askSize) => {
      // A side that is empty has price -1 and no size; prices below 0 with a size are those of some futures.
      const prices = [bidSize || bid !== -1 ? bid : 0, askSize || ask !== -1 ? ask : 0];
      this.#record(id, 'quote', Number(time), prices, [bidSize, askSize]);
    });
  }

  #record(
    id: number,
    kind: MarketKind,
    seconds: number,
    prices: readonly number[],
    sizes: readonly (number | undefined)[],
  ): void {
    const wanted = this.#byNumber.get(id);
    if (!wanted || wanted.kind !== kind) return;
    const { symbol } = wanted;
    const exact = this.#scales.exact(
      symbol,
      prices,
      sizes.map((size) => size ?? 0),
    );
    if (!exact || !Number.isSafeInteger(seconds) || seconds <= 0) {
      this.#sink.event({ event: 'garbage', reason: `${kind}: no time, price or size` });
      return;
    }
    const stamp = {
      symbol,
      source: 'ib',
      tsEventUs: seconds * 1e6,
      tsReceiveUs: this.#context.clock.nowUs(),
      sequence: null,
      flags: 0,
      scale: exact.scale,
    };
    const [first, second] = exact.prices as [number, number];
    const [size, otherSize] = exact.sizes as [number, number];
    const record: MarketRecord =
      kind === 'trade'
        ? { ...stamp, kind: 'trade', price: first, size, side: null, id: null }
        : { ...stamp, kind: 'quote', bid: first, ask: second, bidSize: size, askSize: otherSize };
    this.#sink.records([record]);
  }

  #end({ number }: Listening): void {
    if (this.#byNumber.delete(number)) this.#gateway.api?.cancelTickByTickData(number);
    this.#gateway.close(number);
  }

  #refuse({ symbol, kind }: Wanted, reason: string): void {
    this.#sink.event({ event: 'refused', symbol, kind, reason });
  }
}
