// A program of a test: starts two engines over the addon that NAUTILUS_ADDON names and prints what they answer with each backend.
import analytics from '../../engines/analytics/index.ts';
import features from '../../engines/features/index.ts';
import { buildInfo, kernels } from '../../src/native/index.ts';
import { TestEngine } from './engine.ts';

const close = Array.from({ length: 200 }, (_, bar) => 100 + Math.sin(bar) * 5);
const rows = (count: number, of: number) =>
  Array.from({ length: count }, (_, i) =>
    Array.from({ length: of }, (_, j) => Math.fround(Math.cos(i * of + j))),
  );

const replies: Record<string, unknown> = {
  metal: buildInfo().metal,
  rows: kernels().filter(({ metal }) => metal).length,
};
const metalOn = buildInfo().metal.available;
const calls = [
  [features, '/indicators/rsi', { inputs: { close }, dtype: 'f32' }],
  [analytics, '/kernels/gemm', { a: rows(40, 9), b: rows(9, 33), dtype: 'f32' }],
] as const;
for (const [definition, path, body] of calls) {
  const engine = await TestEngine.start(definition);
  for (const backend of ['cpu', 'metal', 'auto']) {
    const { status, body: reply } = await engine.post(path, { ...body, backend });
    replies[`${path} ${backend}`] = { status, reply };
  }
  const f64 = await engine.post(path, { ...body, dtype: 'f64', backend: 'metal' });
  replies[`${path} f64`] = { status: f64.status, reply: f64.body };
  // While it is looked at, the GPU works.
  let looked = false;
  const look = engine.get('/hardware/utilization').finally(() => {
    looked = true;
  });
  while (!looked) await engine.post(path, { ...body, backend: metalOn ? 'metal' : 'auto' });
  replies[`${path} gpu`] = (await look).body.gpu;
  replies[`${path} hardware`] = (await engine.get('/hardware')).body.metal;
  replies[`${path} metrics`] = (await engine.get('/metrics')).body;
  await engine.stop();
}
await Bun.write(Bun.stdout, `${JSON.stringify(replies)}\n`);
process.exit(0);
