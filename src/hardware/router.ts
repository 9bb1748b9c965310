// Decides where work runs, from measured sizes, switches, presence, health and the state of the machine.
import { InvalidOptionError } from '../core/errors.ts';
import type { HardwareSettings } from '../core/hardware-settings.ts';
import { type Accelerator, type BreakerStatus, PARTS, type Part, type Presence } from './accelerator.ts';
import type { InferenceWork, KernelWork, Route, TrainingWork, WorkloadProfile } from './profile.ts';
import type { Readings } from './readings.ts';
import { gpuLeave, type Leave, neuralLeave, PRIORITY_FACTOR, sparesPower } from './switches.ts';

/** A row of the kernel table, as far as the router cares. */
export interface RoutedRow {
  readonly id: string;
  /** Whether this device has a Metal kernel for it. */
  readonly metal: boolean;
}

/** Everything that a decision depends on. */
export interface RouterState {
  readonly settings: HardwareSettings;
  readonly presence: Presence;
  readonly health: Readonly<Record<Part, BreakerStatus>>;
  readonly readings: Readings;
  /** Measured size of a row from which Metal wins; absent or 0 where none is known. */
  readonly crossovers: ReadonlyMap<string, number>;
}

/**
 * Bytes of a model from which Core ML may beat the CPU. A network of 8 MiB took 22 ms on four threads of an M1 Pro, 49 ms on one, 46 ms
 * through Core ML (HanClinto/CollectorVision#16), and Core ML compiles for seconds at each start. It is no promise: a graph that Core ML cuts
 * into many parts is slower there at any size (sam-dumont/immich-video-memory-generator#811).
 */
export const CORE_ML_BYTES = 16 * 1024 * 1024;

/** The row by which a training step is judged: its matrix products are nearly all of it. */
export const TRAINING_ROW = 'gemm';

const CPU_ONLY: readonly Accelerator[] = Object.freeze(['cpu'] as const);
const NONE: readonly Accelerator[] = Object.freeze([]);

interface RowRoutes {
  /** Size from which Metal is taken; Infinity: never. */
  readonly from: number;
  readonly below: Route;
  readonly above: Route;
}

interface ModelRoutes {
  readonly smallest: number;
  readonly below: Route;
  /** The best of the accelerators for models of at least `bytes`, the largest size first. */
  readonly steps: readonly { readonly bytes: number; readonly route: Route }[];
}

function route(primary: Accelerator, fallback: readonly Accelerator[], reason: string): Route {
  return Object.freeze({ primary, fallback: Object.freeze([...fallback]), reason });
}
const onCpu = (reason: string): Route => Object.freeze({ primary: 'cpu', fallback: NONE, reason });

const count = (value: number) => Math.ceil(value).toLocaleString('en');

/** Answers where work should run. Decisions are made when the state changes; asking costs a look-up and a comparison. */
export class HardwareRouter {
  readonly #rows: ReadonlyMap<string, RoutedRow>;
  #state: RouterState;
  #gpu: Leave;
  #f64: Route;
  readonly #routes = new Map<string, RowRoutes>();
  #models: { readonly realtime: ModelRoutes; readonly batch: ModelRoutes };

  constructor(rows: readonly RoutedRow[], state: RouterState) {
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#state = state;
    this.#gpu = gpuLeave(state.settings, state.readings);
    this.#f64 = onCpu('Metal has no double precision');
    this.#models = this.#modelRoutes();
  }

  get state(): RouterState {
    return this.#state;
  }

  /** Takes another state; what it changes is decided again. */
  update(change: Partial<RouterState>): void {
    this.#state = { ...this.#state, ...change };
    this.#gpu = gpuLeave(this.#state.settings, this.#state.readings);
    this.#routes.clear();
    this.#models = this.#modelRoutes();
  }

  /**
   * Returns where a piece of work should run. For a kernel it is what `"backend": "auto"` does.
   * @throws InvalidOptionError for a row that there is not.
   */
  route(profile: WorkloadProfile): Route {
    switch (profile.kind) {
      case 'kernel':
      case 'indicator':
        return this.#routeRow(profile);
      case 'inference':
        return this.#routeModel(profile);
      case 'training':
        return this.#routeTraining(profile);
    }
  }

  /** Returns the size of a row from which `auto` takes Metal now, and 0 where it never does: what the addon is told. */
  metalFrom(id: string): number {
    const { from } = this.#row(id);
    return from === Infinity ? 0 : Math.max(1, Math.ceil(from));
  }

  #routeRow({ id, elements, dtype }: KernelWork): Route {
    const { from, below, above } = this.#row(id);
    if (dtype === 'f64') return this.#f64;
    return elements >= from ? above : below;
  }

  #routeTraining({ elements, dtype }: TrainingWork): Route {
    return this.#routeRow({ kind: 'kernel', id: TRAINING_ROW, elements, dtype });
  }

  #routeModel({ modelBytes, latency = 'realtime' }: InferenceWork): Route {
    const { smallest, below, steps } = this.#models[latency];
    if (modelBytes < smallest) return below;
    for (const step of steps) if (modelBytes >= step.bytes) return step.route;
    return below;
  }

  #row(id: string): RowRoutes {
    let known = this.#routes.get(id);
    if (!known) {
      known = this.#rowRoutes(id);
      this.#routes.set(id, known);
    }
    return known;
  }

  #rowRoutes(id: string): RowRoutes {
    const row = this.#rows.get(id);
    if (!row)
      throw new InvalidOptionError('Expected the id of a kernel or an indicator, was none of this build');
    const never = (reason: string): RowRoutes => {
      const answer = onCpu(reason);
      return { from: Infinity, below: answer, above: answer };
    };
    const { presence, health, crossovers } = this.#state;
    // What the operator said comes first: it is the reason that he can change.
    if (this.#gpu.factor === Infinity) return never(this.#gpu.reason);
    if (presence.metal_kernels !== null) return never(presence.metal_kernels);
    if (!row.metal) return never('this row has no Metal kernel on this device');
    const measured = crossovers.get(id) ?? 0;
    if (measured === 0) return never('no size is known from which Metal wins (nautilus calibrate)');
    const from = Math.max(1, Math.ceil(measured * this.#gpu.factor));
    const why = this.#gpu.reason ? `; measured ${count(measured)}, ${this.#gpu.reason}` : '';
    const below = onCpu(`smaller than ${count(from)}, from which Metal is taken${why}`);
    if (health.metal_kernels.state !== 'closed')
      return { from, below, above: onCpu(outOf(health.metal_kernels)) };
    return { from, below, above: route('metal_gpu', CPU_ONLY, `${count(from)} or more: Metal wins${why}`) };
  }

  #modelRoutes() {
    return { realtime: this.#modelRoutesOf('realtime'), batch: this.#modelRoutesOf('batch') };
  }

  // Each accelerator has a size from which it is worth it; among those that are, the order decides.
  #modelRoutesOf(latency: 'realtime' | 'batch'): ModelRoutes {
    const { settings, presence, health, readings } = this.#state;
    const able: { name: Accelerator; bytes: number; rank: number; why: string }[] = [];
    const unable: string[] = [];
    const gpuFirst = latency === 'batch' && !sparesPower(settings, readings);
    const consider = (name: Accelerator, part: Part, leave: Leave, rank: number) => {
      if (leave.factor === Infinity) unable.push(`${name}: ${leave.reason}`);
      else if (presence[part] !== null) unable.push(`${name}: ${presence[part]}`);
      else if (health[part].state !== 'closed') unable.push(`${name}: ${outOf(health[part])}`);
      else able.push({ name, bytes: CORE_ML_BYTES * leave.factor, rank, why: leave.reason });
    };
    const sparing = sparesPower(settings, readings);
    const forced = settings.forceNeuralEngine ? -1 : PRIORITY_FACTOR[settings.neuralEnginePriority];
    const neural = sparing ? Math.min(0, forced) : forced;
    const metal = sparing ? 1 : PRIORITY_FACTOR[settings.metalPriority];
    consider('neural_engine', 'neural_engine_models', neuralLeave(settings), neural + (gpuFirst ? 0.1 : 0));
    consider('metal_gpu', 'metal_models', gpuLeave(settings, readings), metal + (gpuFirst ? 0 : 0.1));
    if (able.length === 0) {
      const below = onCpu([...new Set(unable)].join('; '));
      return { smallest: Infinity, below, steps: [] };
    }
    const smallest = Math.min(...able.map(({ bytes }) => bytes));
    const steps = [...new Set(able.map(({ bytes }) => bytes))]
      .sort((a, b) => b - a)
      .map((bytes) => {
        const worth = able.filter((one) => one.bytes <= bytes).sort((a, b) => a.rank - b.rank);
        const [first, ...rest] = worth;
        const order = sparing ? 'takes less power' : `first for ${latency} work`;
        const reason = [
          `a model of ${count(bytes)} bytes or more; ${worth.length > 1 ? order : 'the only one for it'}`,
          first!.why,
        ];
        const fallback = [...rest.map(({ name }) => name), 'cpu' as const];
        return { bytes, route: route(first!.name, fallback, reason.filter(Boolean).join('; ')) };
      });
    const below = onCpu(`models below ${count(smallest)} bytes run faster on the CPU than through Core ML`);
    return { smallest, below, steps };
  }
}

function outOf({ state, failures, lastError }: BreakerStatus): string {
  const how = state === 'open' ? 'taken out' : 'being tried again';
  return `${how} after ${failures} failures in a row${lastError ? `: ${lastError}` : ''}`;
}

/** Returns a record with the same value for each part. */
export function forEachPart<T>(value: (part: Part) => T): Record<Part, T> {
  return Object.fromEntries(PARTS.map((part) => [part, value(part)])) as Record<Part, T>;
}
