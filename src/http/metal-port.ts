// The Metal device of this process as the routing sees it; tests put another one in its place.
import { cpus, release } from 'node:os';
import type { BreakerStatus, Fingerprint, LargeCall } from '../hardware/routing.ts';
import {
  addonFile,
  buildInfo,
  isAddonBuilt,
  KERNELS,
  type KernelDef,
  kernels,
  metalHealth,
  metalSwitch,
  setMetalFrom,
} from '../native/index.ts';
import { elementsOf, LARGE_PANEL, largeCall, operationsOf } from '../native/large-call.ts';

/** A row of the kernel table by its place. */
export interface PortRow {
  readonly id: string;
  readonly metal: boolean;
}

/** What routing needs of a Metal device and the machine around it. */
export interface MetalPort {
  /** Why there is no device; null when there is. Loads the addon; never throws. */
  absent(): string | null;
  /** In the order of the table; none without the addon. Never throws. */
  rows(): readonly PortRow[];
  /** Tells from which size on `auto` takes Metal for the row at `index`; 0 never. */
  setFrom(index: number, elements: number): void;
  setOn(on: boolean): void;
  health(): BreakerStatus;
  /** Only where there is a device. */
  fingerprint(): Promise<Fingerprint>;
  /** An ordinary large call of each row. */
  largeCalls(): Promise<readonly LargeCall[]>;
}

// Beyond every size that a call can have.
const MOST_ELEMENTS = 2 ** 48;
const BYTES_OF_F32 = 4;

/** The device that the addon has. */
export const metalPort: MetalPort = {
  absent() {
    if (!isAddonBuilt()) return 'the native addon is not built';
    try {
      const { available, reason } = buildInfo().metal;
      return available ? null : reason;
    } catch {
      return 'the native addon does not load';
    }
  },
  rows() {
    try {
      return kernels().map(({ id, metal }) => ({ id, metal }));
    } catch {
      return [];
    }
  },
  setFrom: (index, elements) => setMetalFrom(index, Math.min(elements, MOST_ELEMENTS)),
  setOn: metalSwitch,
  health: metalHealth,
  async fingerprint() {
    const processors = cpus();
    return {
      cpu: processors[0]?.model ?? 'unknown',
      gpu: buildInfo().metal.device,
      cores: processors.length,
      os: `${process.platform} ${release()} ${process.arch}`,
      addon: Bun.hash(await Bun.file(addonFile()).arrayBuffer()).toString(16),
    };
  },
  async largeCalls() {
    // Only what asks for it pays for the catalogue.
    const { INDICATORS } = await import('../indicators/registry.ts');
    const panel = LARGE_PANEL.bars * LARGE_PANEL.series;
    return [
      ...KERNELS.map(({ def }) => largeKernel(def)),
      ...INDICATORS.map(({ name, inputs, outputs }) => {
        const written = Object.keys(outputs).length;
        const bytes = (inputs.length + written) * panel * BYTES_OF_F32;
        return { id: name, elements: written * panel, operations: 0, bytes, cpu: 'hwy' as const };
      }),
    ];
  },
};

function largeKernel(def: KernelDef): LargeCall {
  const values = largeCall(def);
  const operations = Math.round(operationsOf(def, values));
  const bytes = elementsOf(def, values) * BYTES_OF_F32;
  return { id: def.id, elements: operations, operations, bytes, cpu: def.cpu };
}
