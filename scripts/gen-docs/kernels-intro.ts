// What holds for every kernel: the prose above the page of kernels.
import { SYNCHRONOUS_NS } from '../../src/native/index.ts';

/** A first program, which a test runs. */
export const FIRST_PROGRAM = `import { indicators, matmul, mcOption } from 'nautilus-engines/native';

const { out } = matmul({ m: 1, n: 1, k: 2, a: Float64Array.of(1, 2), b: Float64Array.of(3, 4) }); // [11]
const { sma } = indicators.compute(indicators.sma, { period: 2 }, { close: Float64Array.of(1, 2, 3) }); // [NaN, 1.5, 2.5]
const { values, errors } = await mcOption.async({
  spot: 100,
  strike: 100,
  rate: 0.03,
  volatility: 0.2,
  steps: 252,
  paths: 100_000,
}); // the price is values[0], its standard error errors[0]`;

export const KERNELS_INTRO = `
# Kernels

The numerical functions of the engines, in C++ below a small typed API. Engines answer them as \`POST /kernels/<id>\`;
\`GET /kernels\` lists those of an engine. Any Bun program, and Node from version 20 on by \`import\` or \`require\`, has them from
\`nautilus-engines/native\`, once \`scripts/setup.sh\` has run in the checkout and \`bun link\` (or \`npm link\`) has linked it:

\`\`\`ts
${FIRST_PROGRAM}
\`\`\`

Indicators have a page of their own: [indicators.md](indicators.md).

Each is declared once, in \`src/native/kernels/<family>\`; this page, the checks of arguments, the routes and a part of the tests
follow from that declaration.

- **Arguments** are one object of sizes, options and arrays. Arrays are \`Float64Array\` or \`Float32Array\`, row-major and tight; their
  type is the element type of the call, and all of a call have the same. \`dtype\` (\`'f64'\`, \`'f32'\`) says it where there is no such array.
  Outputs that are not given are made; they must not overlap anything else. Shared, resizable and detached memory is refused.
- **Results** are the outputs by name, \`backend\` (\`cpu\` or \`metal\`) and \`target\`: the instruction set or library that ran it.
- **Three forms.** \`kernel(options)\` blocks. \`kernel.async(options, signal)\` runs off the JavaScript thread; until it settles the
  arrays belong to it. An aborted \`signal\` stops long work soon, with \`CancelledError\`. \`kernel.auto(options, signal)\` chooses the first
  below about ${SYNCHRONOUS_NS / 1000} us of estimated work, else the second. \`kernel.estimateNs(options)\` is that estimate, good to a factor of
  about three.
- **Threads.** A kernel uses up to \`setThreads(n)\` threads (\`NAUTILUS_THREADS\`, default all cores). Work is cut by its size
  alone, so results have the same bits for any number of threads; the same seed gives the same random numbers.
- **Backends.** \`backend\` is \`auto\` (default), \`cpu\` or \`metal\`. Metal asked for where there is none is a
  \`BackendUnavailableError\`. On the CPU the best instruction set of the machine is taken at run time.
- **NaN** means "no value"; each kernel says what it does with it. Nothing is compiled with relaxed floating-point rules.
- **Tolerance** is the largest difference from a plain scalar version, relative to the scale of the sums, that tests allow.
- **Errors** come before anything is written: \`InvalidOptionError\` (a size, option or array that cannot be), \`ShapeMismatchError\`,
  \`BackendUnavailableError\`, and those that a kernel names. All are \`NautilusError\` with a pointer to the argument
  ([errors.md](errors.md)).
- **Memory.** \`pool.scope()\` lends arrays out of long-lived, page-aligned slabs (\`take('f64', length)\`, then \`release()\`); hit rate and
  bytes are in \`/metrics\` and \`/system/status\`. Kernels themselves hold no memory between calls.
- **Over HTTP** names are in snake case, arrays are nested by their shape, \`null\` stands for NaN, and sizes that a shape tells may be
  left out. Work that outlasts \`DEFAULT_TIMEOUT\` is stopped and answered with 504.

\`\`\`sh
curl -s -X POST localhost:8100/kernels/gemm -H 'content-type: application/json' -d '{"a": [[1, 2]], "b": [[3], [4]]}'
\`\`\`
\`\`\`json
{"kernel":"gemm","outputs":{"out":[[11]]},"processing_time_ms":0.05,"hardware_used":"cpu","backend":"SkylakeX"}
\`\`\`
`;
