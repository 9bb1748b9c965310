// Monte Carlo: a European call, every step of every path simulated.
import { mcOption } from '../../../src/native/index.ts';
import { europeanCall, europeanCallPolar } from '../../baseline/monte-carlo.ts';
import { type Bench, measure, mustAgreeWith, type RowResult, rival } from '../measure.ts';

const OPTION = { spot: 100, strike: 100, rate: 0.03, volatility: 0.2, maturity: 1 };
// By the formula of Black and Scholes (1973) for OPTION.
const PRICE = 9.413403;

type Generator = 'philox7' | 'philox10';

function ours(paths: number, steps: number, dtype: 'f32' | 'f64', generator: Generator) {
  const call = { ...OPTION, paths, steps, generator, dtype, seed: 1 };
  const run = () => mcOption(call);
  const { values, errors } = run();
  mustHold(`${dtype} ${generator}`, values[0]!, errors[0]!);
  return run;
}

// Four standard errors: one run in 16,000 would fail by chance, and the seed is fixed.
function mustHold(what: string, price: number, error: number): void {
  if (!(Math.abs(price - PRICE) < 4 * error))
    throw new Error(`${what}: Expected ${PRICE} within four standard errors of ${error}, was ${price}`);
}

export async function monteCarlo(bench: Bench): Promise<RowResult> {
  const [paths, steps] = [1_000_000, 252];
  for (const simulate of [europeanCall, europeanCallPolar]) {
    const { price, error } = simulate({ ...OPTION, paths: 20_000, steps, seed: 1 });
    mustHold(simulate.name, price, error);
  }
  // The time of the plain version grows with its paths and nothing else: a share of them gives the time of all.
  const timed = (simulate: typeof europeanCall, share: number) => ({
    measureNs: () => {
      const start = Bun.nanoseconds();
      simulate({ ...OPTION, paths: paths / share, steps, seed: 1 });
      return (Bun.nanoseconds() - start) * share;
    },
  });
  // Rivals take a share of the paths: less memory, the same work for each path.
  const [polarShare, numpyShare, quantLibShare] = [8, 16, 125];
  const numpy = { paths: paths / numpyShare, steps, dtype: 'float32' };
  const quantLib = { paths: paths / quantLibShare, steps };
  await mustAgreeWith(bench, 'european_numpy', numpy, PRICE, 0.03);
  if (bench.rivals?.versions.QuantLib) await mustAgreeWith(bench, 'european_quantlib', quantLib, PRICE, 0.06);
  const work = `European call, ${paths.toLocaleString('en-US')} paths of ${steps} steps, seed 1`;
  const variant = (dtype: 'f32' | 'f64', generator: Generator) => ({
    workload: `${work}, ${dtype}, ${generator}`,
    now: ours(paths, steps, dtype, generator),
  });
  const [main, ...also] = [
    variant('f32', 'philox7'),
    variant('f32', 'philox10'),
    variant('f64', 'philox7'),
    variant('f64', 'philox10'),
  ] as const;
  const measurements = await measure(bench, {
    ...main,
    also,
    before: timed(europeanCall, bench.quick ? 10 : 1),
    rivals: [
      {
        name: `TypeScript, normals by the polar method, 1/${polarShare} of the paths`,
        side: timed(europeanCallPolar, polarShare),
      },
      rival(bench, 'NumPy', `, f32, 1/${numpyShare} of the paths`, 'european_numpy', numpy, numpyShare),
      rival(
        bench,
        'QuantLib',
        `, 1/${quantLibShare} of the paths`,
        'european_quantlib',
        quantLib,
        quantLibShare,
      ),
    ],
  });
  const terminal = await measure(bench, {
    workload: `European call, ${paths.toLocaleString('en-US')} paths of one step, f32, philox7`,
    now: ours(paths, 1, 'f32', 'philox7'),
  });
  return {
    note: `Every path has ${steps} independent normals; neither antithetics nor reuse of paths. Before: normals in pairs by Box and Muller, f64, one thread; the polar method beside it is the faster plain form. Now: \`mcOption\`, ${bench.threads} threads. The price lies within four standard errors of the formula in every variant.`,
    measurements: [...measurements, ...terminal],
  };
}
