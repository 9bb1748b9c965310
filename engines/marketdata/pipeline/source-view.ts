// A source as people see it: settings, health, what it can do, what came of its records.
import type { Outcomes } from './pipeline.ts';
import type { SourceReply, SourceSettings } from './schemas.ts';
import type { Source } from './source.ts';
import { isPresent } from './source-board.ts';

/** Returns the reply of a source. Credentials are named, and whether they are there. */
export function sourceReply(
  { source, settings }: { readonly source: Source; readonly settings: SourceSettings },
  { late, outcomes }: { readonly late: boolean; readonly outcomes: Outcomes | undefined },
): SourceReply {
  const { capabilities, title } = source.adapter;
  const { limits } = capabilities;
  return {
    id: source.id,
    title,
    enabled: settings.enabled,
    priority: settings.priority,
    endpoints: { ...settings.endpoints },
    silent_after_s: settings.silent_after_s,
    requests_per_minute: settings.requests_per_minute,
    health: source.health,
    reason: source.reason,
    since_us: source.sinceUs,
    last_record_us: source.lastRecordUs,
    late,
    capabilities: {
      live: [...(source.adapter.live ? capabilities.live : [])],
      historical: [...(source.adapter.history ? capabilities.historical : [])],
      intervals_us: capabilities.intervalsUs ? [...capabilities.intervalsUs] : null,
      key: capabilities.key,
      requests_per_minute: limits.requestsPerMinute,
      symbols_per_connection: limits.symbolsPerConnection,
      verified: capabilities.verified,
    },
    credentials: capabilities.credentials.map((name) => ({ name, present: isPresent(name) })),
    streams: source.wanted.length,
    counts: { ...source.counts },
    outcomes: { ...outcomes },
    last_garbage: source.lastGarbage,
  };
}
