// Monitors as replies show them.
import type { Monitor } from './monitor.ts';
import type { MonitorReply, Retraining } from './schemas.ts';
import type { MonitorQueries } from './store.ts';

/** Retrainings that a reply shows. */
const SHOWN_RETRAININGS = 20;

function stateOf({ card, isPreparing }: Monitor): MonitorReply['state'] {
  if (!card) return 'idle';
  return isPreparing ? 'preparing' : 'watching';
}

/** Returns a monitor of a list. */
export function listed(monitor: Monitor) {
  return {
    model_id: monitor.id,
    state: stateOf(monitor),
    version: monitor.card?.version ?? null,
    alarms: [...monitor.state.alarms],
  };
}

/** Returns a monitor with all that is known of it. */
export async function replyOf(monitor: Monitor, queries: MonitorQueries): Promise<MonitorReply> {
  const { window, state, config } = monitor;
  return {
    ...listed(monitor),
    config,
    reference: monitor.reference?.info ?? null,
    window: {
      seq: window.seq,
      opened_us: window.openedUs,
      rows: window.rows,
      requests: window.requests,
      skipped_rows: window.skipped,
    },
    other_versions: monitor.otherVersions,
    outcomes: { matched: state.matched, waiting_requests: (await queries.waitingRows(monitor.id)).requests },
    clock: { ...state.clock },
    retrainings: (await queries.retrainings(monitor.id, SHOWN_RETRAININGS)).map(
      ({ model_id: _, report, ...row }): Retraining => ({ ...row, ...report }),
    ),
    created_us: monitor.createdUs,
    updated_us: monitor.updatedUs,
  };
}
