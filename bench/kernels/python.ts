// Rivals in Python: a process that keeps its own arrays, times a few calls a request and answers in nanoseconds.
// The first call of a request is not timed: the process just woke up with cold caches.
const numpyProgram = `
import sys, time
import numpy as np
print(np.__version__, flush=True)
n, dtype = 0, None
for line in sys.stdin:
    size, kind = line.split()
    if (int(size), kind) != (n, dtype):
        n, dtype = int(size), kind
        rng = np.random.default_rng(1)
        a = rng.standard_normal((n, n)).astype(kind)
        b = rng.standard_normal((n, n)).astype(kind)
        out = np.empty_like(a)
    repeats = max(1, min(1000, int(2e6 / n**3 * 200)))
    np.matmul(a, b, out=out)
    start = time.perf_counter_ns()
    for _ in range(repeats):
        np.matmul(a, b, out=out)
    print((time.perf_counter_ns() - start) / repeats, flush=True)
`;

// Each series lies together in memory, as TA-Lib wants it; the calls of all series are timed.
const taLibProgram = `
import sys, time
import numpy as np
import talib
print(talib.__version__, flush=True)
shape, panel = None, None
for line in sys.stdin:
    bars, series, period = map(int, line.split())
    if shape != (bars, series):
        shape = (bars, series)
        rng = np.random.default_rng(1)
        panel = 100 * np.exp(np.cumsum(rng.standard_normal((series, bars)) * 0.001, axis=1))
    repeats = max(1, int(200_000 / (bars * series)))
    for close in panel:
        talib.RSI(close, period)
    start = time.perf_counter_ns()
    for _ in range(repeats):
        for close in panel:
            talib.RSI(close, period)
    print((time.perf_counter_ns() - start) / repeats, flush=True)
`;

/** A running rival; `request` resolves to the nanoseconds of one call. */
interface Rival {
  readonly version: string;
  readonly request: (line: string) => Promise<number>;
  readonly stop: () => void;
}

/** A running numpy. */
export interface Numpy {
  readonly version: string;
  /** Resolves to the nanoseconds of one square product. */
  readonly productNs: (size: number, dtype: 'f32' | 'f64') => Promise<number>;
  readonly stop: () => void;
}

/** A running TA-Lib. */
export interface TaLib {
  readonly version: string;
  /** Resolves to the nanoseconds of the RSI of all series, one call each, in f64. */
  readonly rsiNs: (bars: number, series: number, period: number) => Promise<number>;
  readonly stop: () => void;
}

/** What a table says where a rival in Python is missing. */
export const PYTHON_HINT = 'NAUTILUS_BENCH_PYTHON names a python that has numpy and TA-Lib';

/** Resolves to a running numpy on one thread, or null when `NAUTILUS_BENCH_PYTHON` (default `python3`) has none. */
export async function startNumpy(): Promise<Numpy | null> {
  const rival = await start(numpyProgram);
  return (
    rival && {
      version: rival.version,
      productNs: (size, dtype) => rival.request(`${size} ${dtype === 'f64' ? 'float64' : 'float32'}`),
      stop: rival.stop,
    }
  );
}

/** Resolves to a running TA-Lib, or null when `NAUTILUS_BENCH_PYTHON` (default `python3`) has none. */
export async function startTaLib(): Promise<TaLib | null> {
  const rival = await start(taLibProgram);
  return (
    rival && {
      version: rival.version,
      rsiNs: (bars, series, period) => rival.request(`${bars} ${series} ${period}`),
      stop: rival.stop,
    }
  );
}

async function start(program: string): Promise<Rival | null> {
  const python = Bun.which(process.env.NAUTILUS_BENCH_PYTHON ?? 'python3');
  if (!python) return null;
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const child = Bun.spawn([python, '-c', program], { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore', env });
  const lines = readLines(child.stdout);
  const version = (await lines.next()).value;
  if (version === undefined) return null;
  return {
    version,
    request: async (line) => {
      child.stdin.write(`${line}\n`);
      child.stdin.flush();
      return Number((await lines.next()).value);
    },
    stop: () => child.stdin.end(),
  };
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  return undefined;
}
