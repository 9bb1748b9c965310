// What a fault is, and whether health tells of it.
import { eventually } from '../support/eventually.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** Whether it makes sense in this world. */
  fits(world: World): boolean;
  /** Breaks something, and brings back what does not come back by itself (a stopped server, the supervisor). */
  inject(world: World, random: Random): Promise<void>;
}

export const ENGINES = [
  'analytics',
  'risk',
  'factor',
  'ml',
  'features',
  'websocket',
  'strategy',
  'marketdata',
  'portfolio',
] as const;

/** Throws unless the engines that answer say within `ms` that something of `missing` is away; some of them have to answer. */
export async function told(
  world: World,
  engines: readonly string[],
  missing: string,
  ms: number,
): Promise<void> {
  await eventually(
    async () => {
      const health = await world.health();
      // One that another fault has killed cannot start without what is away, and says nothing.
      const said = [...health]
        .filter(([label]) => engines.some((name) => label === name || label.startsWith(`${name}.`)))
        .flatMap(([, h]) => h ?? []);
      return (
        (engines.length === 0 || said.length > 0) &&
        said.every((h) => h.missing.some((m) => m.includes(missing)))
      );
    },
    `${engines.join(', ')} say that they miss the ${missing}`,
    ms,
  );
}
