// The routes of the machine, which every engine has.
import { Elysia } from 'elysia';
import { type Hardware, hardwareSchema, type Utilization, utilizationSchema } from '../hardware/index.ts';

/** What these routes ask. */
export interface HardwareTeller {
  hardware(): Promise<Hardware>;
  utilization(): Promise<Utilization>;
}

/** Returns the plugin of `GET /hardware` and `GET /hardware/utilization`. */
export function hardwareRoutes(teller: HardwareTeller) {
  return new Elysia({ name: 'hardware-kit' })
    .get('/hardware', () => teller.hardware(), {
      response: { 200: hardwareSchema },
      detail: { summary: 'What the machine is, and what of it the engine may use', tags: ['system'] },
    })
    .get('/hardware/utilization', () => teller.utilization(), {
      response: { 200: utilizationSchema },
      detail: { summary: 'What the machine is doing', tags: ['system'] },
    });
}
