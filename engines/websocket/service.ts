// What the WebSocket engine does: follows every topic, keeps the newest state for pages, routes messages to clients.
import type { Envelope } from '../../src/bus/envelope.ts';
import type { Participant } from '../../src/bus/participant.ts';
import { type SessionSpec, topics } from '../../src/bus/topics.ts';
import { VERSION } from '../../src/core/version.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { Board } from './lib/board.ts';
import { Connections, type SocketLimits } from './lib/connections.ts';
import { EngineLines } from './lib/engines.ts';
import { ModelBoard } from './lib/model-board.ts';
import { CLIENT_TOPICS } from './lib/protocol.ts';
import type { PageQuery, SnapshotQuery } from './schemas.ts';

/** State and decisions of the WebSocket engine. It publishes nothing. */
export class WebsocketService {
  readonly connections: Connections;
  readonly #context: EngineContext;
  readonly #board = new Board();
  readonly #models = new ModelBoard();
  readonly #engines: EngineLines;
  // Messages of the running replay by topic, told at its end.
  #routed: Record<string, number> = {};

  /** Its part in replays: the barrier proves that every message of every engine came here. */
  readonly participant: Participant = {
    consumes: [
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
    ],
    emits: [],
    begin: (spec) => this.#beginReplay(spec),
    process: (batch) => this.#process(batch),
    close: (spec) => this.#closeReplay(spec),
    abort: (spec) => this.#endReplay(spec.session, 'aborted'),
  };

  constructor(context: EngineContext, limits: SocketLimits) {
    this.#context = context;
    this.connections = new Connections(limits, context.clock, (error) =>
      context.log.error({ err: error }, 'a client frame failed'),
    );
    this.#engines = new EngineLines(context.bus, context.clock);
  }

  /** Follows the topics that have no part in replays; of what replays tell on them nobody waits for. */
  async start(): Promise<void> {
    const { bus } = this.#context;
    const { consumes } = this.participant;
    const forward = (batch: readonly Envelope[]) => {
      const live = batch.filter((envelope) => envelope.session === undefined);
      for (const envelope of live) this.#models.take(envelope);
      this.connections.offer(live);
    };
    const followed = CLIENT_TOPICS.filter((topic) => !consumes.includes(topic));
    await Promise.all([this.#engines.start(), ...followed.map((topic) => bus.subscribe(topic, forward))]);
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
