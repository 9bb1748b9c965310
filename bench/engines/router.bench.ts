// Hot path: one decision of the hardware router, over all rows of the kernel table and models of many sizes. The reach is 2 us.
// A regression means that a decision is made anew for each call, or allocates.
import { bench, do_not_optimize, run } from 'mitata';
import { DEFAULT_HARDWARE } from '../../src/core/hardware-settings.ts';
import {
  forEachPart,
  HardwareRouter,
  SOUND,
  UNTOLD,
  type WorkloadProfile,
} from '../../src/hardware/routing.ts';
import { kernels } from '../../src/native/index.ts';
import { formatNs } from '../pairs.ts';
import { publish } from '../report.ts';

const rows = kernels().map(({ id }) => ({ id, metal: true }));
const state = {
  settings: DEFAULT_HARDWARE,
  presence: forEachPart(() => null),
  health: forEachPart(() => SOUND),
  readings: UNTOLD,
  crossovers: new Map(rows.map(({ id }) => [id, 1_000_000])),
};
const router = new HardwareRouter(rows, state);
const sizeAt = (i: number) => 4 ** (i % 16);
const dtypes = ['f32', 'f32', 'f64'] as const;
const profiles: Readonly<Record<string, readonly WorkloadProfile[]>> = {
  'kernel or indicator': Array.from({ length: 1024 }, (_, i) => ({
    kind: 'kernel' as const,
    id: rows[(i * 7) % rows.length]!.id,
    elements: sizeAt(i),
    dtype: dtypes[i % 3]!,
  })),
  inference: Array.from({ length: 1024 }, (_, i) => ({
    kind: 'inference' as const,
    modelBytes: sizeAt(i),
    latency: i % 2 === 0 ? ('realtime' as const) : ('batch' as const),
  })),
};

let at = 0;
for (const [name, list] of Object.entries(profiles))
  bench(name, () => do_not_optimize(router.route(list[at++ & 1023]!)));
bench('change of state, then a decision on each row', () => {
  router.update({ readings: UNTOLD });
  for (const { id } of rows) do_not_optimize(router.metalFrom(id));
});

const { benchmarks } = await run({ format: 'quiet' });
publish({
  title: 'Hardware router',
  note: `One decision, over ${rows.length} rows of the kernel table and models of 1 byte to 1 GiB. Reach: below 2 us. The last row is what a change of health, switches or sizes costs, once for all rows.`,
  columns: ['case', 'p50', 'p99'],
  rows: benchmarks.flatMap(({ runs }) =>
    runs.flatMap(({ name, stats }) => (stats ? [[name, formatNs(stats.p50), formatNs(stats.p99)]] : [])),
  ),
});
