// A loaded model: checked before ONNX Runtime sees it, then asked for predictions.
import type { InferenceSession } from 'onnxruntime-node';
import {
  ConflictError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';
import { Breaker } from '../hardware/routing.ts';
import { AcceleratedRunner, type Loaded, plainRunner, type Run, type Runner } from './accelerated.ts';
import { InvalidModelError } from './errors.ts';
import { readBounded } from './file.ts';
import { type InspectOptions, inspectModel, MAX_MODEL_BYTES, type ModelSummary } from './inspect.ts';
import {
  type AskedProvider,
  breakerOf,
  chooseProvider,
  type ModelRouting,
  type ProviderChoice,
  STATIC_SHAPES,
} from './provider.ts';
import { loadRuntime, type OrtRuntime } from './runtime.ts';
import { runInPieces } from './variants/static-rows.ts';

/** Most rows of one `predict` call: it runs as one synchronous stretch of native code on the calling thread. */
export const MAX_BATCH_ROWS = 100_000;

/** How a model is opened. */
export interface SessionOptions extends InspectOptions {
  /** Name of the one input that the caller fills; 'input' by default. Any other input is refused. */
  readonly input?: string;
  /** Name of the output that `predict` returns; the first output by default. */
  readonly output?: string;
  /** Threads inside one operator; 1 by default, because nine engines share the cores. */
  readonly threads?: number;
  readonly provider?: AskedProvider;
  /** Refuse NaN and infinity in inputs; true by default. False is for models that read NaN as "missing" (trees). */
  readonly finite?: boolean;
  /** What decides where it runs; all switches at their defaults when absent. */
  readonly routing?: ModelRouting;
  /** Files of a variant for fixed numbers of rows, which run in place of the model on an accelerator; the CPU runs the model itself. */
  readonly variant?: readonly FixedFile[] | undefined;
  /** Runs the variant on the CPU too, to try it. */
  readonly variantOnCpu?: boolean;
  /** For tests: a stand-in for onnxruntime-node and the platform's name. */
  readonly runtime?: OrtRuntime;
  readonly platform?: string;
}

/** A file of a variant, for so many rows. */
export interface FixedFile {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** A model ready to predict. Row-major float32 in and out. */
export interface ModelSession {
  readonly summary: ModelSummary;
  readonly input: { readonly name: string; readonly columns: number };
  /** `columns` is null when the file leaves the width of its output open. */
  readonly output: { readonly name: string; readonly columns: number | null };
  /** What ran the newest call, and why it is there; before the first, where it will begin. */
  readonly provider: ProviderChoice;
  readonly threads: number;
  /**
   * Returns [rows, output columns] for `inputs` [rows, input columns]. `inputs` is not copied: leave it alone until the
   * promise settles. Rows don't influence each other in any model whose operators act row by row.
   * Throws InvalidOptionError (rows), ShapeMismatchError (length), NonFiniteInputError, InvalidModelError when the model
   * fails on this input, ConflictError after `close`.
   */
  predict(inputs: Float32Array, rows: number): Promise<Float32Array>;
  /** Returns what ran the call that gave `output`. */
  ranOn(output: Float32Array): ProviderChoice;
  /** Waits for running predictions, then frees the model. Calling it twice is fine. */
  close(): Promise<void>;
}

/**
 * Opens a model from bytes or from a file of at most 64 MiB. The file is inspected first (see `inspectModel`), so
 * nothing that points outside itself, and no input that the caller would not fill, reaches ONNX Runtime.
 * A Core ML session is compared with the CPU on a probe; when they disagree the CPU is used and `provider` says so. When it fails, the CPU
 * completes the call, and after several failures in a row does all of them until Core ML works again.
 * Throws NotFoundError, TooLargeError, InvalidModelError, InvalidOptionError, BackendUnavailableError.
 */
export async function openSession(
  source: string | Uint8Array,
  options: SessionOptions = {},
): Promise<ModelSession> {
  const threads = options.threads ?? 1;
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new InvalidOptionError('Expected an integer from 1 to 256 for threads');
  }
  const bytes =
    typeof source === 'string'
      ? await readBounded(source, Math.min(options.maxBytes ?? MAX_MODEL_BYTES, MAX_MODEL_BYTES))
      : source;
  const summary = inspectModel(bytes, options);
  const input = inputOf(summary, options.input ?? 'input');
  const output = outputOf(summary, options.output);
  const { variant, variantOnCpu = false } = options;
  for (const file of variant ?? []) checkFixed(file, input, output.name);
  const choice = chooseProvider(
    options.provider ?? 'auto',
    bytes.length,
    options.platform ?? process.platform,
    options.routing?.router,
  );
  const wanted =
    variant && choice.provider !== 'cpu'
      ? { ...choice, coreMlFlags: choice.coreMlFlags | STATIC_SHAPES }
      : choice;
  const runtime = options.runtime ?? (await loadRuntime());
  const files = { bytes, variant, variantOnCpu };
  const model = await load(runtime, files, wanted, { input, output, threads }, options.routing);
  return {
    summary,
    input,
    output,
    threads,
    get provider() {
      return model.provider;
    },
    ...guard(model, input, options.finite ?? true),
  };
}

/** The model, and what runs in its place. */
interface Files {
  readonly bytes: Uint8Array;
  readonly variant: readonly FixedFile[] | undefined;
  readonly variantOnCpu: boolean;
}

/** Throws InvalidModelError for a file that is not for these rows, or has another input or output than its model. */
function checkFixed({ bytes, rows }: FixedFile, input: ModelSession['input'], output: string): void {
  const { inputs, outputs } = inspectModel(bytes);
  const [only, ...others] = inputs;
  const [first, columns] = only?.dims ?? [];
  const fits =
    others.length === 0 && only?.name === input.name && only.type === 'float32' && columns === input.columns;
  if (!fits || first !== rows || !outputs.some(({ name }) => name === output))
    throw new InvalidModelError(`Expected a variant for ${rows} rows of its model, was another`);
}

interface Layout {
  readonly input: ModelSession['input'];
  readonly output: ModelSession['output'];
  readonly threads: number;
}

function inputOf(summary: ModelSummary, name: string): ModelSession['input'] {
  const [input, ...others] = summary.inputs;
  if (input?.name !== name || others.length > 0) {
    throw new InvalidModelError(`Expected one input named ${name}`);
  }
  const columns = input.dims[1];
  if (input.type !== 'float32' || input.dims.length !== 2 || typeof columns !== 'number' || columns < 1) {
    throw new InvalidModelError(
      `Expected input ${name} as float32 [rows, columns] with a fixed number of columns`,
    );
  }
  if (typeof input.dims[0] === 'number') {
    throw new InvalidModelError(`Expected input ${name} with a free number of rows`);
  }
  return { name, columns };
}

function outputOf(summary: ModelSummary, asked?: string): ModelSession['output'] {
  const output =
    asked === undefined ? summary.outputs[0] : summary.outputs.find((value) => value.name === asked);
  if (!output) throw new InvalidModelError('Expected the output that was asked for, was none of that name');
  if (output.type !== 'float32') throw new InvalidModelError('Expected a float32 output');
  // Rank 1 is one number per row; rank 0 and above 2 have no reading as rows.
  if (output.dims.length > 2) throw new InvalidModelError('Expected an output of rank 1 or 2');
  const columns = output.dims.length === 1 ? 1 : output.dims[1];
  return { name: output.name, columns: typeof columns === 'number' ? columns : null };
}

function load(
  runtime: OrtRuntime,
  { bytes, variant, variantOnCpu }: Files,
  wanted: ProviderChoice,
  layout: Layout,
  routing: ModelRouting | undefined,
): Promise<Runner> {
  const create = (provider: ProviderChoice) =>
    variant && (variantOnCpu || provider.provider !== 'cpu')
      ? createFixed(runtime, variant, provider, layout)
      : createOn(runtime, bytes, provider, layout);
  if (wanted.provider === 'cpu') return create(wanted).then(plainRunner);
  const breaker = (routing && breakerOf(wanted.provider, routing.breakers)) ?? new Breaker();
  return AcceleratedRunner.open({ create, wanted, breaker, columns: layout.input.columns });
}

/** Opens all files of a variant, and runs any number of rows through them. */
async function createFixed(
  runtime: OrtRuntime,
  files: readonly FixedFile[],
  provider: ProviderChoice,
  layout: Layout,
): Promise<Loaded> {
  const opened = await Promise.allSettled(
    files.map(async ({ rows, bytes }) => ({
      rows,
      loaded: await createOn(runtime, bytes, provider, layout),
    })),
  );
  const open = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const release = async () => {
    await Promise.all(open.map(({ loaded }) => loaded.release()));
  };
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) {
    await release();
    throw failed.reason;
  }
  const runs = open.map(({ rows, loaded: { run } }) => ({ rows, run }));
  return { provider, run: runInPieces(runs, layout.input.columns), release };
}

async function createOn(
  runtime: OrtRuntime,
  bytes: Uint8Array,
  provider: ProviderChoice,
  layout: Layout,
): Promise<Loaded> {
  const coreMl = { name: 'coreml', coreMlFlags: provider.coreMlFlags } as const;
  try {
    const native = await runtime.InferenceSession.create(bytes, {
      executionProviders: provider.provider === 'cpu' ? ['cpu'] : [coreMl, 'cpu'],
      intraOpNumThreads: layout.threads,
      interOpNumThreads: 1,
      // 8-bit weights are multiplied out once, when the model opens, and not in each run.
      extra: { session: { disable_quant_qdq: '1' } },
      // Errors come back as exceptions; warnings about a stranger's graph must not flood the log.
      logSeverityLevel: 4,
    });
    return { provider, run: runner(runtime, native, layout), release: () => native.release() };
  } catch (cause) {
    throw new InvalidModelError('Expected a model that ONNX Runtime can load', cause);
  }
}

function runner(runtime: OrtRuntime, native: InferenceSession, { input, output }: Layout): Run {
  const fetches = [output.name];
  return async (inputs, rows) => {
    const feeds = { [input.name]: new runtime.Tensor('float32', inputs, [rows, input.columns]) };
    let result: unknown;
    try {
      result = (await native.run(feeds, fetches))[output.name]?.data;
    } catch (cause) {
      throw new InvalidModelError('Expected a model that runs on this input', cause);
    }
    const fits = (data: Float32Array) =>
      output.columns === null ? data.length % rows === 0 : data.length === rows * output.columns;
    if (!(result instanceof Float32Array) || !fits(result)) {
      throw new InvalidModelError('Expected as many output rows as input rows');
    }
    return result;
  };
}

/** Checks each call before the native code sees it, and frees the model only when nothing runs. */
function guard(
  model: Runner,
  input: ModelSession['input'],
  finite: boolean,
): Pick<ModelSession, 'predict' | 'ranOn' | 'close'> {
  const ranOn = new WeakMap<Float32Array, ProviderChoice>();
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | null = null;
  const checkInputs = (inputs: Float32Array, rows: number): void => {
    if (closing) throw new ConflictError('Expected an open model, was closed');
    if (!Number.isInteger(rows) || rows < 1 || rows > MAX_BATCH_ROWS) {
      throw new InvalidOptionError(`Expected an integer from 1 to ${MAX_BATCH_ROWS} for rows`);
    }
    if (inputs.length !== rows * input.columns) {
      throw new ShapeMismatchError(`Expected ${rows} x ${input.columns} inputs, was ${inputs.length} values`);
    }
    if (!finite) return;
    for (let i = 0; i < inputs.length; i++) {
      if (!Number.isFinite(inputs[i]!)) {
        const [row, column] = [Math.floor(i / input.columns), i % input.columns];
        throw new NonFiniteInputError(`Expected finite inputs, was not at row ${row}, column ${column}`);
      }
    }
  };
  return {
    async predict(inputs, rows) {
      checkInputs(inputs, rows);
      const result = model.run(inputs, rows);
      running.add(result);
      try {
        const { output, provider } = await result;
        ranOn.set(output, provider);
        return output;
      } finally {
        running.delete(result);
      }
    },
    ranOn: (output) => ranOn.get(output) ?? model.provider,
    close() {
      closing ??= Promise.allSettled(running).then(() => model.release());
      return closing;
    },
  };
}
