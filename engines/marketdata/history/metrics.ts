// The history as Prometheus reads it.
import { Gauge, type Registry } from '../../../src/http/prom.ts';
import type { HistoryDesk } from './desk.ts';

/** Adds the metrics of the history to `registry`; values are read when they are scraped. */
export function registerHistory(registry: Registry, desk: HistoryDesk): void {
  new Gauge({
    name: 'nautilus_market_damaged_partitions',
    help: 'Parquet files of the history that are not what their manifest says, by what is wrong',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset();
      const counts = { missing: 0, torn: 0, changed: 0, unreadable: 0 };
      for (const { reason } of desk.damaged) counts[reason]++;
      for (const [reason, n] of Object.entries(counts)) this.set({ reason }, n);
    },
  });
}
