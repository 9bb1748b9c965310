// LightGBM by its C interface, version 4 or later.
import { CString, FFIType as F, ptr } from 'bun:ffi';
import { InvalidOptionError, InvariantError } from '../../../core/errors.ts';
import type { TreeOptions, TreeRows } from '../../../native/index.ts';
import { type ExternalFit, openLibrary, text } from './library.ts';

const open = () =>
  openLibrary(
    {
      title: 'LightGBM',
      variable: 'NAUTILUS_LIGHTGBM',
      names: ['lib_lightgbm.so', 'lib_lightgbm.dylib'],
      install:
        'run `brew install lightgbm`, or `pip install lightgbm` and name its lib_lightgbm.so in NAUTILUS_LIGHTGBM',
    },
    {
      LGBM_GetLastError: { args: [], returns: F.ptr },
      LGBM_DatasetCreateFromMat: {
        args: [F.ptr, F.i32, F.i32, F.i32, F.i32, F.ptr, F.u64, F.ptr],
        returns: F.i32,
      },
      LGBM_DatasetSetField: { args: [F.u64, F.ptr, F.ptr, F.i32, F.i32], returns: F.i32 },
      LGBM_DatasetFree: { args: [F.u64], returns: F.i32 },
      LGBM_BoosterCreate: { args: [F.u64, F.ptr, F.ptr], returns: F.i32 },
      LGBM_BoosterAddValidData: { args: [F.u64, F.u64], returns: F.i32 },
      LGBM_BoosterUpdateOneIter: { args: [F.u64, F.ptr], returns: F.i32 },
      LGBM_BoosterGetEval: { args: [F.u64, F.i32, F.ptr, F.ptr], returns: F.i32 },
      LGBM_BoosterFeatureImportance: { args: [F.u64, F.i32, F.i32, F.ptr], returns: F.i32 },
      LGBM_BoosterSaveModelToString: {
        args: [F.u64, F.i32, F.i32, F.i32, F.i64, F.ptr, F.ptr],
        returns: F.i32,
      },
      LGBM_BoosterFree: { args: [F.u64], returns: F.i32 },
    },
  );

const OBJECTIVES: Readonly<Record<TreeOptions['objective'], string>> = {
  squared: 'regression',
  huber: 'huber',
  quantile: 'quantile',
  poisson: 'poisson',
  logistic: 'binary',
  softmax: 'multiclass',
};

function refuse(field: string, expected: string): never {
  throw new InvalidOptionError(`Expected ${expected} for ${field} beside engine lightgbm`, [
    { pointer: `/options/${field}`, expected, received: 'another value' },
  ]);
}

/** Returns the parameters of LightGBM that mean the same. Throws InvalidOptionError for what it has not. */
function parametersOf(options: TreeOptions): string {
  if (options.growth !== 'leaf') refuse('growth', 'leaf');
  if (options.categories) refuse('categories', 'no columns');
  const parameters = {
    objective: OBJECTIVES[options.objective],
    ...(options.objective === 'softmax' ? { num_class: options.classes } : {}),
    ...(options.objective === 'huber' || options.objective === 'quantile' ? { alpha: options.alpha } : {}),
    num_leaves: options.maxLeaves,
    max_depth: options.maxDepth === 0 ? -1 : options.maxDepth,
    learning_rate: options.learningRate,
    min_data_in_leaf: options.minRows,
    min_sum_hessian_in_leaf: options.minHessian,
    lambda_l1: options.l1,
    lambda_l2: options.l2,
    min_gain_to_split: options.minGain,
    bagging_fraction: options.rowShare,
    bagging_freq: options.rowShare < 1 ? 1 : 0,
    feature_fraction: options.columnShare,
    feature_fraction_bynode: options.splitShare,
    max_bin: options.maxBins,
    seed: options.seed % 2 ** 31,
    num_threads: options.threads,
    deterministic: true,
    force_row_wise: true,
    verbosity: -1,
    ...(options.monotone ? { monotone_constraints: options.monotone.join(',') } : {}),
  };
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** Begins a fit. Throws BackendUnavailableError, InvalidOptionError. */
export function lightgbmFit(
  options: TreeOptions,
  columns: number,
  training: TreeRows,
  validation?: TreeRows,
): ExternalFit {
  const parameters = text(`${parametersOf(options)} is_provide_training_metric=true`);
  const lib = open();
  const check = (status: number) => {
    if (status === 0) return;
    const said = lib.LGBM_GetLastError();
    throw new InvariantError(
      `LightGBM failed: ${said ? new CString(said).toString().slice(0, 200) : 'no reason'}`,
    );
  };
  const out = new BigInt64Array(1);
  const handle = () => BigInt.asUintN(64, out[0]!);
  const freed: (() => void)[] = [];
  const close = () => {
    for (const free of freed.splice(0).reverse()) free();
  };
  const dataset = ({ inputs, targets, weights }: TreeRows, like: bigint): bigint => {
    check(
      lib.LGBM_DatasetCreateFromMat(
        ptr(inputs),
        0,
        targets.length,
        columns,
        1,
        ptr(parameters),
        like,
        ptr(out),
      ),
    );
    const made = handle();
    freed.push(() => lib.LGBM_DatasetFree(made));
    const set = (name: string, values: Float32Array) =>
      check(lib.LGBM_DatasetSetField(made, ptr(text(name)), ptr(values), values.length, 0));
    set('label', targets);
    if (weights) set('weight', weights);
    return made;
  };
  try {
    const rows = dataset(training, 0n);
    check(lib.LGBM_BoosterCreate(rows, ptr(parameters), ptr(out)));
    const booster = handle();
    freed.push(() => lib.LGBM_BoosterFree(booster));
    if (validation) check(lib.LGBM_BoosterAddValidData(booster, dataset(validation, rows)));
    const finished = new Int32Array(1);
    return {
      round: () => check(lib.LGBM_BoosterUpdateOneIter(booster, ptr(finished))),
      loss: (watched) => {
        const values = new Float64Array(16);
        const count = new Int32Array(1);
        check(lib.LGBM_BoosterGetEval(booster, watched ? 1 : 0, ptr(count), ptr(values)));
        return values[0]!;
      },
      model: (rounds) => {
        const gains = new Float64Array(columns);
        check(lib.LGBM_BoosterFeatureImportance(booster, rounds, 1, ptr(gains)));
        let bytes = new Uint8Array(1 << 20);
        // Says how long it is; the second call has room for it.
        for (;;) {
          check(lib.LGBM_BoosterSaveModelToString(booster, 0, rounds, 0, bytes.length, ptr(out), ptr(bytes)));
          const length = Number(out[0]!);
          if (length <= bytes.length) return { bytes: bytes.slice(0, length - 1), gains };
          bytes = new Uint8Array(length);
        }
      },
      close,
    };
  } catch (thrown) {
    close();
    throw thrown;
  }
}
