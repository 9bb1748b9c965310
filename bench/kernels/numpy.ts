// A numpy process as a rival: it keeps its own arrays, times a few products a request and answers in nanoseconds.
// The first product of a request is not timed: the process just woke up with cold caches.
const program = `
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

/** A running numpy. */
export interface Numpy {
  readonly version: string;
  /** Resolves to the nanoseconds of one square product. */
  readonly productNs: (size: number, dtype: 'f32' | 'f64') => Promise<number>;
  readonly stop: () => void;
}

/** Resolves to a running numpy on one thread, or null when `NAUTILUS_BENCH_PYTHON` (default `python3`) has none. */
export async function startNumpy(): Promise<Numpy | null> {
  const python = Bun.which(process.env.NAUTILUS_BENCH_PYTHON ?? 'python3');
  if (!python) return null;
  const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const child = Bun.spawn([python, '-c', program], { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore', env });
  const lines = readLines(child.stdout);
  const version = (await lines.next()).value;
  if (version === undefined) return null;
  return {
    version,
    productNs: async (size, dtype) => {
      child.stdin.write(`${size} ${dtype === 'f64' ? 'float64' : 'float32'}\n`);
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
