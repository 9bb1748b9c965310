// What runs where, and what a machine without Metal can and cannot show of it: the prose above the list of Metal kernels.

export const HARDWARE_INTRO = `
# Hardware

Every kernel and indicator has a CPU form, in SIMD with run-time dispatch or by the platform's BLAS and LAPACK. On macOS many of them also
have a Metal form, in f32: the GPU has no double precision. A call says which it wants:

\`\`\`sh
curl -s localhost:8500/indicators/rsi -H 'content-type: application/json' \\
  -d '{"inputs":{"close":[1,2,3,2,4]},"options":{"period":2},"dtype":"f32","backend":"auto"}'
\`\`\`

| \`backend\` | meaning |
|---|---|
| \`cpu\` | the CPU |
| \`metal\` | the GPU; 503 \`backend-unavailable\`, with the reason, where there is no Metal form, no device, or the type is f64 |
| \`auto\` (default) | the GPU in f32 from the size on at which it is known to win; no such size is known yet, so this is the CPU |

The reply says what ran: \`hardware_used\` is \`cpu\` or \`metal\`. When the device fails (lost, out of memory, a buffer beyond its largest), or a
call asks for what its Metal kernel leaves out (very long windows, Sobol paths, Student copulas), the CPU completes the call, and the reply says \`cpu\`. Nothing is written before the device has done all of it.

\`METAL_ACCELERATION=0\` takes the GPU out: \`GET /system/status\` and \`buildInfo().metal\` then say so.

## How it works

- **Kernels** are Metal source in \`native/metal/kernels\`, part of the addon as one text and compiled when the addon is first used: no machine
  needs Apple's offline compiler. Safe math: NaN and infinity mean something, sums are in their written order, nothing is fused unless it is written so.
- **Indicators** have one step for all backends. It is written in C++ over vectors of lanes; \`bun run gen\` turns it into Metal's language for a lane
  of one, a thread for each series (or each value, where a value depends on a window only). So the GPU has the bits of the CPU.
- **Pieces.** The system ends a command buffer that holds the GPU for long while a screen is lit. Work is cut into pieces of about 50 ms, by
  what earlier pieces took. A piece that was ended anyway is halved, and all is done again from the start, up to six times.
- **Status.** A command buffer that fails throws nothing; the status of each is read.
- **Memory.** Arrays of the pool (\`pool.scope()\`, which routes use) are read and written where they lie; others are copied into buffers of the
  device and back, and the bytes counted. \`/metrics\` has that, the commands, failures, retries, calls that the CPU completed, and the GPU's time.

## What was verified without a Mac

None of this has run on a GPU. On Linux the same kernels and the same Objective-C++ host run on a software device (\`native/test/swmetal\`):
clang compiles the \`.metal\` files with real address spaces, every thread of a group runs with real barriers under three schedules, buffers lie
between guard pages, and the device refuses what Metal's validation refuses. \`make test\` then compares every row below with the CPU, on ragged
sizes, in one piece and in many, and with faults: a lost device, no memory, a compile error, a buffer too small. \`make test-swmetal\` also
breaks the kernels on purpose, one place after the other, and counts how many of those mistakes the tests notice.

What only a Mac can tell: whether Apple's compiler takes every line, how exact the GPU's \`exp\`, \`log\` and square root are, how many registers a
kernel takes, how fast any of it is, and the sizes from which the GPU wins. The last column says what to expect of an M4 Max with 40 GPU cores:
the larger of bytes at 546 GB/s and operations at 13.8 TFLOP/s, which is what Metal Performance Shaders reached there in f32
([measured by others](https://github.com/chsasank/device-benchmarks/issues/13)).

On a Mac: \`make test\` runs the same comparisons on the real device, less the injected faults. Please send back its output, and \`bun src/cli/nautilus.ts doctor\`. Containers on
macOS are Linux machines: they see neither Metal nor the Neural Engine.
`;
