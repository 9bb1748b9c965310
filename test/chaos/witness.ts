// What the replicas of the analytics engine should have done: a listener of its own to the valuations that they share out.
import { RunningPerformance, type RunningState } from '../../engines/analytics/running.ts';
import type { Bus } from '../../src/bus/client.ts';
import type { Envelope, Subscription } from '../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from './world.ts';

type Valuation = BodyOf<typeof topics.valuations>;

interface Point {
  readonly ts_us: number;
  readonly equity: number;
}

interface Curve {
  readonly portfolio_id: string;
  readonly running: RunningState | null;
  /** In order of time. */
  readonly points: readonly Point[];
}

/** Hears all valuations from {@link Witness.start} on. The bus must not break meanwhile: what is said then is nobody's. */
export class Witness {
  /** The newest equity of each event time, by portfolio. */
  readonly #heard = new Map<string, Map<number, number>>();
  /** The newest event time of each portfolio. */
  readonly #newest = new Map<string, number>();
  readonly #world: World;
  readonly #bus: Bus;
  #subscription: Subscription | undefined;

  private constructor(world: World, bus: Bus) {
    this.#world = world;
    this.#bus = bus;
  }

  /** Resolves when something was heard. */
  static async start(world: World): Promise<Witness> {
    const witness = new Witness(world, await world.bus());
    witness.#subscription = await witness.#bus.subscribe(topics.valuations.name, (batch) => {
      for (const envelope of batch) witness.#hear(envelope as Envelope<Valuation>);
    });
    await eventually(() => witness.#heard.size > 0, 'a valuation', 20_000);
    return witness;
  }

  /** Ends listening. */
  async close(): Promise<void> {
    await this.#subscription?.unsubscribe();
    await this.#bus.close();
  }

  /** Throws unless every point that was heard comes to be in the curve of its portfolio; after {@link close}. */
  async compare(): Promise<void> {
    let missing = '';
    await eventually(
      async () => {
        missing = this.#missingIn(await curves(this.#world));
        return missing === '';
      },
      'every valuation in its curve',
      20_000,
    ).catch((error) => {
      throw new Error(`${error.message}: ${missing}\n${this.#world.tail()}`);
    });
  }

  #hear({ body, ts_event_us, session }: Envelope<Valuation>): void {
    // A portfolio that never traded has no curve.
    if (session !== undefined || body.fills === 0) return;
    const points = this.#heard.get(body.portfolio_id) ?? new Map<number, number>();
    this.#heard.set(body.portfolio_id, points);
    // What comes after a newer one changes nothing: a fill may be stored for longer than the next bar takes.
    if (ts_event_us < (this.#newest.get(body.portfolio_id) ?? 0)) return;
    this.#newest.set(body.portfolio_id, ts_event_us);
    points.set(ts_event_us, Number(body.equity));
  }

  #missingIn(all: readonly Curve[]): string {
    for (const [portfolio, heard] of this.#heard) {
      const points = all.find((curve) => curve.portfolio_id === portfolio)?.points ?? [];
      const stored = new Map(points.map(({ ts_us, equity }) => [ts_us, equity]));
      for (const [tsUs, equity] of heard) {
        // The last one may have been said again, after we stopped to listen.
        if (tsUs === this.#newest.get(portfolio) || stored.get(tsUs) === equity) continue;
        return `${portfolio} at ${tsUs} is ${stored.get(tsUs)}, should be ${equity}`;
      }
    }
    return '';
  }
}

/** The curves of all portfolios, and what the engine has summed up of them: of one instant, whatever is being written. */
export async function curves(world: World): Promise<Curve[]> {
  const rows = await world.rows<{ id: string; running: string | null; ts: unknown; equity: unknown }>(
    'analytics',
    `SELECT p.portfolio_id AS id, p.running AS running, c.ts_us AS ts, c.equity AS equity
       FROM portfolios p LEFT JOIN curve c ON c.key = p.key ORDER BY c.ts_us`,
  );
  const byPortfolio = Map.groupBy(rows, (row) => row.id);
  return [...byPortfolio].map(([portfolio_id, own]) => ({
    portfolio_id,
    running: own[0]!.running === null ? null : (JSON.parse(own[0]!.running) as RunningState),
    points: own.flatMap(({ ts, equity }) => {
      return ts === null ? [] : [{ ts_us: Number(ts), equity: Number(equity) }];
    }),
  }));
}

/** Whether the sums of a curve are those of its points, each taken once: two who wrote at one time, or a point taken twice, leave others. */
export function sumsAreRight({ running, points }: Curve): boolean {
  const [first, ...others] = points;
  if (!first || !running) return running === null && points.length === 0;
  const again = RunningPerformance.startingAt(first.ts_us, first.equity);
  for (const { ts_us, equity } of others) again.add(ts_us, equity);
  return Bun.deepEquals(JSON.parse(JSON.stringify(again.state())), running);
}
