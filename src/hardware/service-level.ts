// How an engine serves, as `GET /system/status`, `GET /hardware/utilization` and `hardware.metrics` report it.
import { z } from 'zod';
import { optional, reasons } from './schema.ts';

/** How the engine has served since the look before. */
export const serviceLevelSchema = z.object({
  response_time_ms: optional(z.number().nonnegative(), 'mean milliseconds from a request to its reply'),
  throughput_rps: optional(z.number().nonnegative(), 'replies a second'),
  error_rate: optional(z.number().min(0).max(1), 'share of the replies that were 500 or above'),
  availability: optional(
    z.number().min(0).max(1),
    'share of the seconds since the engine was first ready in which it took work; of this process',
  ),
  window_s: z.number().nonnegative().describe('seconds since the look before'),
  reasons,
});

export type ServiceLevel = z.infer<typeof serviceLevelSchema>;
