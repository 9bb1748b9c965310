// A model on an accelerator that may fail: the CPU completes what it cannot, and it is tried again when its breaker says so.
import type { Breaker } from '../hardware/routing.ts';
import { cpu, type ProviderChoice } from './provider.ts';

/** Runs the rows of one call. */
export type Run = (inputs: Float32Array, rows: number) => Promise<Float32Array>;

/** A session of ONNX Runtime on one provider. */
export interface Loaded {
  readonly run: Run;
  readonly provider: ProviderChoice;
  release(): Promise<void>;
}

/** What ran a call, and its outputs. */
export interface Ran {
  readonly output: Float32Array;
  readonly provider: ProviderChoice;
}

/** Sessions of one model, wherever it runs. */
export interface Runner {
  /** What ran the newest call; before the first, where it will begin. */
  readonly provider: ProviderChoice;
  run(inputs: Float32Array, rows: number): Promise<Ran>;
  release(): Promise<void>;
}

/** Returns a runner of one session. */
export function plainRunner({ run, provider, release }: Loaded): Runner {
  return { provider, run: async (inputs, rows) => ({ output: await run(inputs, rows), provider }), release };
}

/** What {@link AcceleratedRunner.open} needs. */
export interface Acceleration {
  /** Opens the model on a provider. */
  readonly create: (provider: ProviderChoice) => Promise<Loaded>;
  /** The accelerator. */
  readonly wanted: ProviderChoice;
  readonly breaker: Breaker;
  /** Columns of the input. */
  readonly columns: number;
}

/** A session that is freed only when nothing runs on it any more. */
class Freed {
  readonly loaded: Loaded;
  #running = 0;
  #ended: (() => void) | undefined;

  constructor(loaded: Loaded) {
    this.loaded = loaded;
  }

  async run(inputs: Float32Array, rows: number): Promise<Float32Array> {
    this.#running++;
    try {
      return await this.loaded.run(inputs, rows);
    } finally {
      if (--this.#running === 0) this.#ended?.();
    }
  }

  /** Waits for what runs. Nothing may be begun after this. */
  async release(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#ended = resolve;
      });
    }
    await this.loaded.release();
  }
}

const DISAGREED = cpu('Core ML disagreed with the CPU on a probe');

/** A model on an accelerator, with the CPU behind it. */
export class AcceleratedRunner implements Runner {
  readonly #acceleration: Acceleration;
  /** The session on the accelerator, while it works. */
  #fast: Freed | undefined;
  /** The session on the CPU, once it was needed. */
  #slow: Promise<Loaded> | undefined;
  /** Where it runs without an accelerator, and why. */
  #without: ProviderChoice;
  #opening: Promise<void> | undefined;
  provider: ProviderChoice;
  #freeing: Promise<unknown> | undefined;
  #released = false;

  private constructor(acceleration: Acceleration) {
    this.#acceleration = acceleration;
    this.#without = cpu(`${acceleration.wanted.provider} is taken out after failures`);
    this.provider = this.#without;
  }

  /**
   * Opens the model on the accelerator and compares it with the CPU; on the CPU alone where they disagree, and for now where the accelerator
   * fails or is taken out. Throws what opening on the CPU throws.
   */
  static async open(acceleration: Acceleration): Promise<AcceleratedRunner> {
    const runner = new AcceleratedRunner(acceleration);
    if (acceleration.breaker.enter()) await runner.#accelerate();
    // A model that the CPU cannot open either is refused here.
    if (!runner.#fast) await runner.#onCpu();
    return runner;
  }

  async run(inputs: Float32Array, rows: number): Promise<Ran> {
    const { breaker } = this.#acceleration;
    const fast = this.#fast;
    if (!fast) this.#tryAgain();
    if (!fast || !breaker.enter()) return this.#runOnCpu(inputs, rows);
    try {
      const output = await fast.run(inputs, rows);
      breaker.succeeded();
      this.provider = fast.loaded.provider;
      return { output, provider: this.provider };
    } catch (cause) {
      return this.#takeOver(cause, fast, inputs, rows);
    }
  }

  async release(): Promise<void> {
    this.#released = true;
    await this.#opening;
    await this.#freeing;
    await this.#fast?.release();
    await this.#slow?.then((loaded) => loaded.release()).catch(() => undefined);
  }

  // Where the CPU fails too, the call is to blame and not the accelerator.
  async #takeOver(cause: unknown, fast: Freed, inputs: Float32Array, rows: number): Promise<Ran> {
    const { breaker } = this.#acceleration;
    let ran: Ran;
    try {
      ran = await this.#runOnCpu(inputs, rows);
    } catch (error) {
      breaker.gaveUp();
      throw error;
    }
    this.#fail(cause);
    // A session that failed so often may never work again: the next try opens another.
    if (!breaker.closed && this.#fast === fast) {
      this.#fast = undefined;
      // Other calls may still run on it; nobody waits for them here.
      this.#freeing = Promise.allSettled([this.#freeing, fast.release()]);
    }
    this.provider = this.#without;
    return { ...ran, provider: this.provider };
  }

  async #runOnCpu(inputs: Float32Array, rows: number): Promise<Ran> {
    const loaded = await this.#onCpu();
    const output = await loaded.run(inputs, rows);
    this.provider = this.#without;
    return { output, provider: this.provider };
  }

  #onCpu(): Promise<Loaded> {
    if (!this.#slow) {
      const opening = this.#acceleration.create(this.#without);
      this.#slow = opening;
      // What failed is tried again by the next call.
      opening.catch(() => {
        if (this.#slow === opening) this.#slow = undefined;
      });
    }
    return this.#slow;
  }

  // Beside the calls: Core ML compiles for seconds, and nobody should wait for that.
  #tryAgain(): void {
    if (this.#released || this.#opening || this.#without === DISAGREED) return;
    if (!this.#acceleration.breaker.enter()) return;
    this.#opening = this.#accelerate().finally(() => {
      this.#opening = undefined;
    });
  }

  // Never throws.
  async #accelerate(): Promise<void> {
    const { create, wanted, breaker, columns } = this.#acceleration;
    let fast: Loaded | undefined;
    let reference: Float32Array;
    const probe = Float32Array.from({ length: PROBE_ROWS * columns }, (_, i) => Math.sin(i + 1));
    try {
      const slow = await this.#onCpu();
      reference = await slow.run(probe, PROBE_ROWS);
    } catch {
      breaker.gaveUp();
      return;
    }
    try {
      fast = await create(wanted);
      const same = agree(await fast.run(probe, PROBE_ROWS), reference);
      breaker.succeeded();
      if (same) {
        this.#fast = new Freed(fast);
        this.provider = wanted;
      } else {
        this.#without = DISAGREED;
        this.provider = DISAGREED;
        await fast.release();
      }
    } catch (cause) {
      this.#fail(cause);
      await fast?.release().catch(() => undefined);
    }
  }

  #fail(cause: unknown): void {
    const { breaker, wanted } = this.#acceleration;
    const words = wordsOf(cause);
    this.#without = cpu(`${wanted.provider} failed: ${words}`);
    this.provider = this.#without;
    breaker.failed(words);
  }
}

const PROBE_ROWS = 4;
const MOST_WORDS = 200;

// The innermost message is the runtime's; it is for logs and operators, and long ones repeat the graph.
function wordsOf(thrown: unknown): string {
  let error = thrown;
  while (error instanceof Error && error.cause !== undefined) error = error.cause;
  const words = error instanceof Error ? error.message : String(error);
  return words.slice(0, MOST_WORDS);
}

/** True when two outputs agree within what half precision inside Core ML explains. */
function agree(left: Float32Array, right: Float32Array): boolean {
  if (left.length !== right.length) return false;
  // A return of 0.001 is told from one of -0.001: what counts is the size of these outputs, whatever their unit.
  const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Half precision keeps 11 bits; 2% leaves room for a few layers of rounding and is far below a wrong answer.
  return left.every((value, i) => Math.abs(value - right[i]!) <= 0.02 * scale);
}
