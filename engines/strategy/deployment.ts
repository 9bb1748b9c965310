// A strategy at work: what it is, and how it comes from its stored form.
import type { Strategy, StrategyState } from '../../src/trading/strategies.ts';
import type { DeploymentRecord } from './store.ts';

/** A strategy at work on one symbol for one portfolio. */
export interface Deployment {
  readonly id: string;
  readonly symbol: string;
  readonly portfolioId: string;
  readonly strategy: Strategy;
  readonly createdTsUs: number;
  state: StrategyState;
  /** Joined bars that it has seen since it was loaded. */
  bars: number;
  lastBarTsUs: number | null;
}

/** Returns the deployment of a record; `strategy` is made from the record's strategy and options. */
export function deploymentOf(record: DeploymentRecord, strategy: Strategy): Deployment {
  return {
    id: record.deployment_id,
    symbol: record.symbol,
    portfolioId: record.portfolio_id,
    strategy,
    createdTsUs: record.created_ts_us,
    state: { target: record.target },
    bars: 0,
    lastBarTsUs: null,
  };
}

/** Returns the record of a new deployment, which holds nothing yet. */
export function recordOf(
  id: string,
  strategy: Strategy,
  at: { readonly symbol: string; readonly portfolioId: string; readonly nowUs: number },
): DeploymentRecord {
  return {
    deployment_id: id,
    strategy: strategy.kind,
    symbol: at.symbol,
    portfolio_id: at.portfolioId,
    options: strategy.options,
    target: 'flat',
    created_ts_us: at.nowUs,
  };
}
