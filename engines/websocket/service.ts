// What the WebSocket engine does: keeps the newest state for pages, follows what clients ask for, routes messages to them.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant } from '../../src/bus/participant.ts';
import { type SessionSpec, type Topic, topics } from '../../src/bus/topics.ts';
import { VERSION } from '../../src/core/version.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { Board } from './lib/board.ts';
import { Connections, type SocketLimits } from './lib/connections.ts';
import { Demand } from './lib/demand.ts';
import { EngineLines } from './lib/engines.ts';
import { ModelBoard } from './lib/model-board.ts';
import { CLIENT_TOPICS } from './lib/protocol.ts';
import type { PageQuery, SnapshotQuery } from './schemas.ts';

/** What every message of a replay comes on, whether or not anybody watches. */
const CONSUMED: readonly Topic<unknown>[] = [
  topics.marketLiveData,
  topics.featureValues,
  topics.factorValues,
  topics.mlPredictions,
  topics.signals,
  topics.orders,
  topics.fills,
  topics.valuations,
  topics.analyticsMetrics,
  topics.riskPortfolioUpdates,
];

/** Topics for clients that no replay waits for; what replays tell on them is for nobody. */
const FOLLOWED = CLIENT_TOPICS.filter((topic) => !CONSUMED.includes(topic));

const isLive = ({ session }: Envelope) => session === undefined;

/** State and decisions of the WebSocket engine. It publishes nothing. */
export class WebsocketService {
  readonly connections: Connections;
  readonly #context: EngineContext;
  readonly #board = new Board();
  readonly #models = new ModelBoard();
  readonly #engines: EngineLines;
  readonly #demand: Demand;
  // Messages of the running replay by topic, told at its end.
  #routed: Record<string, number> = {};

  /** Its part in replays: the barrier proves that every message of every engine came here. */
  readonly participant: Participant = {
    consumes: CONSUMED,
    emits: [],
    begin: (spec) => this.#beginReplay(spec),
    process: (batch) => this.#process(batch),
    close: (spec) => this.#closeReplay(spec),
    abort: (spec) => this.#endReplay(spec.session, 'aborted'),
  };

  constructor(context: EngineContext, limits: SocketLimits) {
    this.#context = context;
    this.#demand = new Demand(
      context.bus,
      FOLLOWED.filter((topic) => !this.#models.shows(topic)).map(({ name }) => name),
      (batch) => this.connections.offer(batch.filter(isLive)),
    );
    this.connections = new Connections(limits, context.clock, this.#demand, (error) =>
      context.log.error({ err: error }, 'a client frame failed'),
    );
    this.#engines = new EngineLines(context.bus, context.clock);
  }

  /** Follows what pages show without having a part in replays. */
  async start(): Promise<void> {
    const { bus } = this.#context;
    const take = (batch: readonly Envelope[]) => {
      const live = batch.filter(isLive);
      for (const envelope of live) this.#models.take(envelope);
      this.connections.offer(live);
    };
    const shown = FOLLOWED.filter((topic) => this.#models.shows(topic));
    await Promise.all([this.#engines.start(), ...shown.map((topic) => bus.subscribe(topic, take))]);
    this.connections.start();
  }

  /** Everything that a page shows at load. */
  snapshot({ bars }: SnapshotQuery) {
    return {
      version: VERSION,
      ts_us: this.#context.clock.nowUs(),
      engines: this.#engines.lines(),
      ...this.#board.snapshot(bars),
    };
  }

  /** Everything that the page of models shows at load. */
  modelSnapshot() {
    return {
      version: VERSION,
      ts_us: this.#context.clock.nowUs(),
      engines: this.#engines.lines(),
      ...this.#models.snapshot(),
    };
  }

  /** Topics that are read because clients want them. */
  get topicsOnDemand(): string[] {
    return this.#demand.open;
  }

  /** One page of the open connections. */
  list({ limit, offset }: PageQuery) {
    return {
      count: this.connections.size,
      ...this.connections.totals,
      limit,
      offset,
      connections: this.connections.list(offset, limit),
    };
  }

  #process(batch: readonly Envelope[]): void {
    for (const envelope of batch) {
      this.#board.take(envelope);
      this.#models.take(envelope);
      if (envelope.session !== undefined)
        this.#routed[envelope.topic] = (this.#routed[envelope.topic] ?? 0) + 1;
    }
    this.connections.offer(batch);
  }

  #beginReplay(spec: SessionSpec): void {
    this.#routed = {};
    this.#board.beginReplay(spec);
    this.#announceReplay();
  }

  #closeReplay(spec: SessionSpec): { messages: Record<string, number> } {
    this.#endReplay(spec.session, 'finished');
    return { messages: this.#routed };
  }

  #endReplay(session: string, state: 'finished' | 'aborted'): void {
    if (this.#board.endReplay(session, state)) this.#announceReplay();
  }

  #announceReplay(): void {
    this.connections.announce({ type: 'replay', ...this.#board.replay });
  }
}
