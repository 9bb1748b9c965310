// One replay of stored bars: what is known of it, what engines are told of it, what its routes say.
import type { SessionSpec } from '../../src/bus/topics.ts';
import type { ReplayReply, ReplayRequest } from './schemas.ts';

/** A replay and how far it is. */
export interface Run {
  readonly id: string;
  readonly request: ReplayRequest;
  readonly intervalUs: number;
  readonly source: string;
  readonly total: number;
  readonly abort: AbortController;
  readonly startedMs: number;
  state: ReplayReply['state'];
  done: number;
  endedMs: number | undefined;
  result: ReplayReply['result'];
  error: ReplayReply['error'];
  /** Why it never began. */
  refused: unknown;
  finished: Promise<void>;
}

/** Returns what the engines of a session are told. */
export function specOf(run: Run, participants: string[]): SessionSpec {
  const { symbol, portfolio_id, strategy, strategy_options, starting_cash, fee_bps, reset } = run.request;
  return {
    session: run.id,
    symbol,
    interval_us: run.intervalUs,
    portfolio_id,
    strategy,
    strategy_options,
    starting_cash,
    fee_bps,
    reset,
    participants,
  };
}

/** Returns what routes say of a replay. */
export function describe(run: Run): ReplayReply {
  const elapsed = ((run.endedMs ?? performance.now()) - run.startedMs) / 1000;
  return {
    replay_id: run.id,
    state: run.state,
    mode: run.request.mode,
    symbol: run.request.symbol,
    portfolio_id: run.request.portfolio_id,
    strategy: run.request.strategy,
    events_total: run.total,
    events_done: run.state === 'done' ? run.total : run.done,
    elapsed_s: Math.round(elapsed * 1000) / 1000,
    bars_per_s: Math.round(run.done / Math.max(elapsed, 1e-6)),
    progress_url: `/replays/${run.id}`,
    error: run.error,
    result: run.result,
  };
}
