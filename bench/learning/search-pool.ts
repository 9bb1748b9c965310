// A search in processes of its own, as the engine runs one: each keeps the table, and runs one trial at a time on one thread.
import { join } from 'node:path';
import type { PrunerChoice } from '../../src/learning/search/pruners/index.ts';
import { type SamplerChoice, samplerOf } from '../../src/learning/search/samplers/index.ts';
import type { EndedTrial, Order, Said } from './search-child.ts';
import { spaceOf } from './search-table.ts';
import type { TreeSet } from './tree-sets.ts';

/** What is searched. */
export interface SearchOptions {
  readonly families: readonly string[];
  readonly sampler: SamplerChoice;
  readonly pruner: PrunerChoice;
  readonly trials: number;
  readonly seed: number;
  /** `Bun.nanoseconds()` from which on no trial begins. */
  readonly until?: number;
}

/** Processes that have a table. */
export class SearchPool {
  readonly #children: readonly Bun.Subprocess[];
  readonly #heard: ((said: Said) => void)[];
  /** Slots without a trial. */
  readonly #free: number[];

  private constructor(children: readonly Bun.Subprocess[], heard: ((said: Said) => void)[]) {
    this.#children = children;
    this.#heard = heard;
    this.#free = children.map((_, slot) => slot);
  }

  /** Starts `count` processes and hands them the table. */
  static async open(count: number, set: TreeSet): Promise<SearchPool> {
    const heard: ((said: Said) => void)[] = [];
    const ready: Promise<unknown>[] = [];
    const children = Array.from({ length: count }, (_, slot) => {
      ready.push(new Promise((resolve) => heard.push(resolve)));
      const child = Bun.spawn([process.execPath, join(import.meta.dir, 'search-child.ts')], {
        ipc: (said: Said) => heard[slot]!(said),
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, NAUTILUS_THREADS: '1' },
        onExit(_, code) {
          // Nobody would ever answer.
          if (code !== null && code !== 0) process.exit(1);
        },
      });
      child.send({ type: 'open', set } satisfies Order);
      return child;
    });
    await Promise.all(ready);
    return new SearchPool(children, heard);
  }

  /** Runs a search. Trial n is proposed from the trials up to n - processes, whatever the time that each took. */
  async search({
    families,
    sampler,
    pruner,
    trials,
    seed,
    until = Number.POSITIVE_INFINITY,
  }: SearchOptions): Promise<EndedTrial[]> {
    const parallel = this.#children.length;
    const { space, first } = spaceOf(families);
    const propose = samplerOf(sampler, { space, seed, parallel, enqueued: first });
    const ended: EndedTrial[] = [];
    const running: Promise<EndedTrial>[] = [];
    for (let number = 0; number < trials; number++) {
      if (number >= parallel) ended.push(await running[number - parallel]!);
      if (Bun.nanoseconds() > until) break;
      const history = ended.slice(0, Math.max(0, number - parallel + 1));
      const point = propose.propose(number, history);
      if (!point) break;
      running.push(this.#trial({ type: 'trial', number, point, pruner, history }));
    }
    return Promise.all(running);
  }

  #trial(order: Order): Promise<EndedTrial> {
    const slot = this.#free.pop()!;
    const { promise, resolve } = Promise.withResolvers<EndedTrial>();
    this.#heard[slot] = (said) => {
      if (said.type !== 'ended') return;
      this.#free.push(slot);
      resolve(said.trial);
    };
    this.#children[slot]!.send(order);
    return promise;
  }

  stop(): void {
    for (const child of this.#children) child.kill();
  }
}

/** Returns the trials that came to their end, the best first. */
export function bestOf(trials: readonly EndedTrial[]): EndedTrial[] {
  const complete = trials.filter(({ state }) => state === 'complete');
  return complete.toSorted((a, b) => a.loss! - b.loss! || a.number - b.number);
}
