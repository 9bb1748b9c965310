// A program of a test: two engines with a file of sizes over the addon that NAUTILUS_ADDON names. Writes what small and large calls ran on,
// what is asked for while the device fails, and what the engines say of it. Arguments: the file of sizes, and that of the answers.
import { dlopen, FFIType } from 'bun:ffi';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import analytics from '../../engines/analytics/index.ts';
import features from '../../engines/features/index.ts';
import risk from '../../engines/risk/index.ts';
import { calibrationPath } from '../../src/hardware/routing.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';
import { setMetalBreaker } from '../../src/native/index.ts';
import { TestEngine, topics } from './engine.ts';
import { eventually } from './eventually.ts';

const [file, answers] = process.argv.slice(2) as [string, string];
// What Bun puts into process.env is not in the environment that C++ reads.
const libc = dlopen(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6', {
  setenv: { args: [FFIType.cstring, FFIType.cstring, FFIType.i32], returns: FFIType.i32 },
  unsetenv: { args: [FFIType.cstring], returns: FFIType.i32 },
});
const text = (value: string) => Buffer.from(`${value}\0`);
const setFault = (name: string, value: string) => libc.symbols.setenv(text(name), text(value), 1);
const endFault = (name: string) => libc.symbols.unsetenv(text(name));

const series = (bars: number) => Array.from({ length: bars }, (_, bar) => 100 + Math.sin(bar) * 5);
const square = (side: number) =>
  Array.from({ length: side }, (_, i) =>
    Array.from({ length: side }, (_, j) => Math.fround(Math.cos(i * side + j))),
  );
const calls = {
  rsi: (bars: number) => ({ inputs: { close: series(bars) }, dtype: 'f32' }),
  gemm: (side: number) => ({ a: square(side), b: square(side), dtype: 'f32' }),
};

async function start(definition: EngineDefinition): Promise<TestEngine> {
  const engine = new TestEngine();
  await engine.bus.subscribe('*', (batch) => void events.push(...batch));
  mkdirSync(dirname(calibrationPath(engine.dataDir)), { recursive: true });
  copyFileSync(file, calibrationPath(engine.dataDir));
  await engine.restart(definition, Bun.env as Record<string, string>);
  const taken = async () => (await engine.get('/hardware/routing')).body.calibration.reason !== 'not started';
  await eventually(taken, 'the engine has looked for sizes');
  return engine;
}

const events: { topic: string; body: unknown }[] = [];
const said: Record<string, unknown> = {};
const post = async (engine: TestEngine, path: string, body: object) => {
  const { status, body: reply } = await engine.post(path, body);
  return { status, hardware_used: reply.hardware_used, outputs: reply.outputs };
};

const indicators = await start(features);
const kernels = await start(analytics);
const simulations = await start(risk);
said.routing = (await kernels.get('/hardware/routing')).body;
for (const bars of [20, 400])
  said[`rsi ${bars}`] = await post(indicators, '/indicators/rsi', calls.rsi(bars));
for (const side of [4, 40]) said[`gemm ${side}`] = await post(kernels, '/kernels/gemm', calls.gemm(side));
const option = { paths: 20_000, steps: 12, spot: 100, strike: 100, rate: 0.03 };
for (const paths of [200, 20_000])
  said[`mc_option ${paths}`] = await post(simulations, '/kernels/mc_option', { ...option, paths });
await indicators.stop();
await simulations.stop();

// The device fails in everything from now on.
setMetalBreaker(2, 50, 1000);
const health = () =>
  events.filter(({ topic }) => topic === topics.hardwareHealth.name).map(({ body }) => body);
setFault('SWM_FAIL_FROM', '1:11');
const asked = { ...calls.gemm(40), backend: 'metal' };
said.cpu = await post(kernels, '/kernels/gemm', { ...asked, backend: 'cpu' });
said.failing = [await post(kernels, '/kernels/gemm', asked), await post(kernels, '/kernels/gemm', asked)];
await eventually(() => health().length >= 1, 'an event tells of the failures');
said.opened = { event: health()[0], routing: (await kernels.get('/hardware/routing')).body };
said.openedStatus = (await kernels.get('/system/status')).body.accelerators;
said.openedMetrics = (await kernels.get('/metrics')).body;
// And works again.
endFault('SWM_FAIL_FROM');
await eventually(async () => {
  const { hardware_used } = await post(kernels, '/kernels/gemm', asked);
  return hardware_used === 'metal';
}, 'the device is used again');
await eventually(() => (health().at(-1) as { state: string }).state === 'closed', 'an event tells of it');
said.closed = { event: health().at(-1), auto: await post(kernels, '/kernels/gemm', calls.gemm(40)) };
said.closedMetrics = (await kernels.get('/metrics')).body;
await kernels.stop();
await Bun.write(answers, JSON.stringify(said));
process.exit(0);
