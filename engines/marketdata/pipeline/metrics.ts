// The pipeline as Prometheus reads it.
import { registerHops } from '../../../src/http/hop-metric.ts';
import { Counter, Gauge, type Registry } from '../../../src/http/prom.ts';
import type { PipelineService } from './service.ts';

/** Adds the metrics of the pipeline to `registry`; values are read when they are scraped. */
export function registerPipeline(registry: Registry, service: PipelineService): void {
  const registers = [registry];
  new Counter({
    name: 'nautilus_market_records_total',
    help: 'Records of a source by what became of them',
    labelNames: ['source', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const [source, outcomes] of service.pipeline.outcomes)
        for (const [outcome, n] of Object.entries(outcomes)) this.inc({ source, outcome }, n);
    },
  });
  new Counter({
    name: 'nautilus_market_source_events_total',
    help: 'What happened to the stream of a source',
    labelNames: ['source', 'event'],
    registers,
    collect() {
      this.reset();
      for (const { source } of service.board.all())
        for (const [event, n] of Object.entries(source.counts))
          if (event !== 'records' && n > 0) this.inc({ source: source.id, event }, n);
    },
  });
  new Gauge({
    name: 'nautilus_market_source_connected',
    help: '1 while the stream of a source is connected; absent while nothing is wanted of it',
    labelNames: ['source'],
    registers,
    collect() {
      this.reset();
      for (const { source } of service.board.all())
        if (source.wanted.length > 0) this.set({ source: source.id }, source.health === 'connected' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'nautilus_market_books',
    help: 'Order books by state',
    labelNames: ['state'],
    registers,
    collect() {
      for (const [state, n] of Object.entries(service.books.states())) this.set({ state }, n);
    },
  });
  new Counter({
    name: 'nautilus_market_flags_total',
    help: 'Records by quality flag',
    labelNames: ['flag'],
    registers,
    collect() {
      this.reset();
      for (const [flag, n] of Object.entries(service.quality.totals())) this.inc({ flag }, n);
    },
  });
  new Counter({
    name: 'nautilus_market_unjudged_total',
    help: 'Records that no gate has judged, since there are too many series',
    registers,
    collect() {
      this.reset();
      this.inc(service.quality.unjudged);
    },
  });
  new Gauge({
    name: 'nautilus_market_store_waiting',
    help: 'Records of live sources that wait for being stored',
    registers,
    collect() {
      this.set(service.storing.waiting);
    },
  });
  new Counter({
    name: 'nautilus_market_stored_total',
    help: 'Records of live sources that the history has taken',
    registers,
    collect() {
      this.reset();
      this.inc(service.storing.counts.stored);
    },
  });
  new Counter({
    name: 'nautilus_market_lost_total',
    help: 'Records that were lost in this engine, by place',
    labelNames: ['place'],
    registers,
    collect() {
      this.reset();
      for (const [place, n] of Object.entries(service.lost())) this.inc({ place }, n);
    },
  });
  registerHops(registry, service.latencies.times, {
    name: 'nautilus_market_latency_seconds',
    help: 'Latency of records by source and hop; venue_receive is beyond the fastest of the last minute',
    labels: ({ from, topic }) => ({ source: from, hop: topic }),
  });
}
