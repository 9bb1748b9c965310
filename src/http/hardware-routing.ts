// Hardware routing of one engine: hands measured sizes to the addon, watches the health of accelerators, and tells of changes.
import type { Bus } from '../bus/client.ts';
import { topics } from '../bus/topics.ts';
import type { Config } from '../core/config.ts';
import type { Log } from '../core/log.ts';
import {
  ACCELERATOR_OF,
  Breaker,
  type BreakerOptions,
  type BreakerStatus,
  calibrationVersion,
  crossoversOf,
  expectedCrossover,
  type Fingerprint,
  forEachPart,
  HardwareRouter,
  isM4Max,
  PARTS,
  type Part,
  type Presence,
  type Readings,
  readCalibration,
  SOUND,
  UNTOLD,
} from '../hardware/routing.ts';
import { type MetalPort, metalPort, type PortRow } from './metal-port.ts';

/** Health is looked at so often, and everything else at each fifth look. */
export const WATCH_MS = 1000;
const SLOW_LOOKS = 5;

/** Where the sizes come from. */
export type CalibrationState =
  | { readonly state: 'loaded'; readonly measured_at: string }
  /** Arithmetic for an M4 Max, nothing measured. */
  | { readonly state: 'expected'; readonly reason: string }
  | { readonly state: 'absent' | 'refused' | 'not_needed'; readonly reason: string };

/** What an engine's routing needs. */
export interface RoutingContext {
  readonly engine: string;
  readonly bus: Pick<Bus, 'publish'>;
  readonly config: Pick<Config, 'dataDir' | 'hardware'>;
  readonly log: Log;
  /** For tests: another device, another machine. */
  readonly metal?: MetalPort;
  readonly platform?: string;
  readonly arch?: string;
  readonly breaker?: BreakerOptions;
}

/** What routing wants to know of the machine. */
export interface MachineState {
  /** Returns whether there is a Neural Engine that models could use, null where the system does not say. */
  readonly neuralEngine: () => Promise<boolean | null>;
  /** Returns the state of the machine. */
  readonly readings: () => Promise<Readings>;
}

/** What ran on a part: our kernels, or models. */
export const workOf = (part: Part): 'kernels' | 'models' => (part === 'metal_kernels' ? 'kernels' : 'models');

type ModelPart = Exclude<Part, 'metal_kernels'>;

/** The routing of one engine. Nothing native is loaded before {@link start} or {@link router} is called. */
export class HardwareRouting {
  /** Failures of the models' accelerators in this process. */
  readonly breakers: Readonly<Record<ModelPart, Breaker>>;
  readonly #context: RoutingContext;
  readonly #metal: MetalPort;
  #router: HardwareRouter | undefined;
  #rows: readonly PortRow[] | undefined;
  #presence: Presence | undefined;
  #calibration: CalibrationState = { state: 'not_needed', reason: 'not started' };
  #fingerprint: Fingerprint | undefined;
  #version = '';
  #told: Readonly<Record<Part, BreakerStatus>> = forEachPart(() => SOUND);
  /** What the addon was told, by place; it begins with 0 everywhere. */
  readonly #from = new Map<number, number>();
  #machine: MachineState | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #looks = 0;
  #stopped = false;

  constructor(context: RoutingContext) {
    this.#context = context;
    this.#metal = context.metal ?? metalPort;
    this.breakers = {
      metal_models: new Breaker(context.breaker),
      neural_engine_models: new Breaker(context.breaker),
    };
  }

  /** Decides where work runs. */
  get router(): HardwareRouter {
    this.#router ??= new HardwareRouter(this.rows, {
      settings: this.#context.config.hardware,
      presence: this.presence,
      health: this.#told,
      readings: UNTOLD,
      crossovers: new Map(),
    });
    return this.#router;
  }

  /** The rows of the kernel table in its order; none where the addon does not load. */
  get rows(): readonly PortRow[] {
    this.#rows ??= this.#metal.rows();
    return this.#rows;
  }

  /** Why a part is not there. */
  get presence(): Presence {
    const { platform = process.platform, arch = process.arch } = this.#context;
    const mac = platform === 'darwin';
    this.#presence ??= {
      metal_kernels: this.#metal.absent(),
      metal_models: mac ? null : 'models run on the GPU through Core ML, which is part of macOS',
      neural_engine_models:
        mac && arch === 'arm64' ? null : 'only Macs with Apple silicon have a Neural Engine',
    };
    return this.#presence;
  }

  get calibration(): CalibrationState {
    return this.#calibration;
  }

  /** What each part says of itself now. */
  health(): Record<Part, BreakerStatus> {
    return {
      metal_kernels: this.presence.metal_kernels === null ? this.#metal.health() : SOUND,
      metal_models: this.breakers.metal_models.status,
      neural_engine_models: this.breakers.neural_engine_models.status,
    };
  }

  /** Says of each accelerator that is there whether it is in use, for `/system/status`. */
  summary(): { accelerator: string; work: string; state: string; reason: string | null }[] {
    const health = this.health();
    return PARTS.filter((part) => this.presence[part] === null).map((part) => {
      const { state, lastError } = health[part];
      return { accelerator: ACCELERATOR_OF[part], work: workOf(part), state, reason: lastError || null };
    });
  }

  /** Takes the measured sizes, and watches from now on. Without an accelerator it does nothing at all. Never throws. */
  async start(machine?: MachineState): Promise<void> {
    this.#machine = machine;
    try {
      await this.#start();
    } catch (err) {
      this.#context.log.error({ err }, 'hardware routing could not start: auto is the CPU');
    }
  }

  async #start(): Promise<void> {
    const { config, log } = this.#context;
    await this.#findNeuralEngine();
    if (PARTS.every((part) => this.presence[part] !== null)) {
      this.#calibration = { state: 'not_needed', reason: this.presence.metal_kernels! };
      return;
    }
    if (this.presence.metal_kernels === null) {
      this.#metal.setOn(config.hardware.metal);
      this.#fingerprint = await this.#metal.fingerprint();
    }
    await this.#takeCalibration();
    this.#apply();
    await this.#read();
    this.#apply();
    if (this.#stopped) return;
    this.#timer = setInterval(() => {
      this.look().catch((err) => log.error({ err }, 'hardware routing could not look'));
    }, WATCH_MS);
    this.#timer.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  /** Looks at the health of the accelerators, and now and then at the file of sizes and the machine; done each second. */
  async look(): Promise<void> {
    if (this.#looks++ % SLOW_LOOKS === 0) {
      await this.#takeCalibration();
      await this.#read();
    }
    const health = this.health();
    // One that opened and closed between two looks counts too.
    const changed = PARTS.filter(
      (part) =>
        health[part].state !== this.#told[part].state || health[part].opened !== this.#told[part].opened,
    );
    if (changed.length > 0 || PARTS.some((part) => health[part].failures !== this.#told[part].failures))
      this.router.update({ health });
    this.#told = health;
    for (const part of changed) this.#tell(part, health[part]);
    this.#apply();
  }

  // A Mac in a virtual machine has none, which only detection knows.
  async #findNeuralEngine(): Promise<void> {
    if (this.presence.neural_engine_models !== null) return;
    if ((await this.#machine?.neuralEngine()) !== false) return;
    this.#presence = {
      ...this.presence,
      neural_engine_models: 'this machine has no Neural Engine, as virtual ones do not',
    };
    this.#router?.update({ presence: this.#presence });
  }

  #tell(part: Part, status: BreakerStatus): void {
    const { bus, engine, log } = this.#context;
    const body = {
      engine,
      accelerator: ACCELERATOR_OF[part],
      work: workOf(part),
      state: status.state,
      reason: status.lastError,
      failures: status.failures,
      opened: status.opened,
      retry_in_ms: Math.round(status.retryInMs),
    };
    bus.publish(topics.hardwareHealth, body);
    const { engine: _, ...said } = body;
    if (status.state === 'closed') log.info(said, 'an accelerator is in use again');
    else if (status.state === 'open') log.warn(said, 'an accelerator was taken out; the CPU does its work');
    else log.info(said, 'an accelerator is tried again');
  }

  async #read(): Promise<void> {
    const { log } = this.#context;
    if (!this.#machine) return;
    const now = await this.#machine.readings().catch((err) => {
      log.debug({ err }, 'the state of the machine cannot be read');
      return UNTOLD;
    });
    const old = this.router.state.readings;
    if (now.thermal === old.thermal && now.onBattery === old.onBattery && now.lowPower === old.lowPower)
      return;
    log.info({ ...now }, 'the state of the machine changed');
    this.router.update({ readings: now });
  }

  // Another file is taken while the engine runs: `nautilus calibrate` needs no restart.
  async #takeCalibration(): Promise<void> {
    const { config, log } = this.#context;
    if (!this.#fingerprint) return;
    const version = calibrationVersion(config.dataDir);
    if (version === this.#version) return;
    this.#version = version;
    const read = readCalibration(config.dataDir, this.#fingerprint);
    if (read.state === 'loaded') {
      const { measured_at } = read.calibration;
      this.#take(crossoversOf(read.calibration), { state: 'loaded', measured_at });
      return;
    }
    const reason = read.state === 'refused' ? read.reason : 'no sizes were measured on this machine';
    if (read.state === 'refused') log.warn({ reason }, 'the calibration file is not used');
    const { m4Max } = config.hardware;
    if (m4Max && isM4Max(this.#fingerprint.cpu)) {
      const calls = await this.#metal.largeCalls();
      this.#take(new Map(calls.map((call) => [call.id, expectedCrossover(call)])), {
        state: 'expected',
        reason: `${reason}; M4_MAX_OPTIMIZED takes those that are expected`,
      });
      return;
    }
    const unused = m4Max ? '; M4_MAX_OPTIMIZED is for an M4 Max' : '';
    this.#take(new Map(), { state: read.state, reason: reason + unused });
  }

  #take(crossovers: ReadonlyMap<string, number>, state: CalibrationState): void {
    this.#calibration = state;
    this.router.update({ crossovers });
    this.#context.log.info({ ...state, rows: crossovers.size }, 'sizes from which Metal is taken');
  }

  // Tells the addon what changed.
  #apply(): void {
    if (this.presence.metal_kernels !== null) return;
    for (const [index, { id }] of this.rows.entries()) {
      const from = this.router.metalFrom(id);
      if (from === (this.#from.get(index) ?? 0)) continue;
      this.#metal.setFrom(index, from);
      this.#from.set(index, from);
    }
  }
}
