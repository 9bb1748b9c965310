// What a replay came to: collects signals, orders and fills from the bus, and hashes them with the ledger.
import type { Bus } from '../../src/bus/client.ts';
import type { LockstepOutcome } from '../../src/bus/coordinator.ts';
import type { Envelope, Subscription } from '../../src/bus/envelope.ts';
import { type BodyOf, type SessionSpec, topics } from '../../src/bus/topics.ts';
import { DependencyUnavailableError } from '../../src/core/errors.ts';
import { dec, text } from '../../src/trading/decimal.ts';
import type { ReplayReply } from './schemas.ts';

type Signal = BodyOf<typeof topics.signals>;
type Order = BodyOf<typeof topics.orders>;
type Fill = BodyOf<typeof topics.fills>;

/** What the portfolio engine tells of its ledger when a replay closes. */
interface LedgerSummary {
  readonly ledger: {
    readonly equity: string;
    readonly realised_pnl: string;
    readonly unrealised_pnl: string;
    readonly fees: string;
  };
}

/** Follows one replay and sums it up. */
export class OutcomeCollector {
  readonly #spec: SessionSpec;
  readonly #signals: unknown[] = [];
  readonly #orders: unknown[] = [];
  readonly #fills: unknown[] = [];
  #submitted = 0;
  #rejected = 0;
  #subscriptions: Subscription[] = [];

  constructor(spec: SessionSpec) {
    this.#spec = spec;
  }

  async listen(bus: Bus): Promise<void> {
    const only = (take: (envelope: Envelope) => void) => (batch: readonly Envelope[]) => {
      for (const envelope of batch) if (envelope.session === this.#spec.session) take(envelope);
    };
    this.#subscriptions = await Promise.all([
      bus.subscribe(
        topics.signals,
        only((e) => this.#signal(e.ts_event_us, e.body as Signal)),
      ),
      bus.subscribe(
        topics.orders,
        only((e) => this.#order(e.ts_event_us, e.body as Order)),
      ),
      bus.subscribe(
        topics.fills,
        only((e) => this.#fill(e.body as Fill)),
      ),
    ]);
  }

  async end(): Promise<void> {
    await Promise.all(this.#subscriptions.map((s) => s.unsubscribe()));
  }

  /** Sums up. Throws DependencyUnavailableError when the portfolio engine did not take part. */
  result(outcome: LockstepOutcome): NonNullable<ReplayReply['result']> {
    const summary = outcome.summaries.portfolio as LedgerSummary | undefined;
    if (!summary) throw new DependencyUnavailableError('The portfolio engine did not report its ledger');
    const { ledger } = summary;
    // Field order is fixed by this line, so that the hash depends on values alone.
    const content = JSON.stringify({
      signals: this.#signals,
      orders: this.#orders,
      fills: this.#fills,
      ledger,
    });
    return {
      events: outcome.events,
      signals: this.#signals.length,
      orders: this.#submitted,
      fills: this.#fills.length,
      rejected: this.#rejected,
      pnl: {
        starting_cash: this.#spec.starting_cash,
        equity: ledger.equity,
        total: text(dec(ledger.equity).minus(dec(this.#spec.starting_cash))),
        realised: ledger.realised_pnl,
        unrealised: ledger.unrealised_pnl,
        fees: ledger.fees,
      },
      latency_us: { ...outcome.latency },
      result_hash: new Bun.CryptoHasher('sha256').update(content).digest('hex'),
    };
  }

  #signal(tsUs: number, s: Signal): void {
    this.#signals.push([tsUs, s.strategy, s.symbol, s.signal, s.price, s.reason]);
  }

  #order(tsUs: number, o: Order): void {
    if (o.status === 'accepted' || o.status === 'rejected') this.#submitted++;
    if (o.status === 'rejected') this.#rejected++;
    this.#orders.push([tsUs, o.symbol, o.side, o.type, o.quantity, o.limit_price, o.status, o.reasons]);
  }

  #fill(f: Fill): void {
    this.#fills.push([f.ts_event_us, f.symbol, f.side, f.quantity, f.price, f.fee]);
  }
}
