// XGBoost by its C interface, version 1.7 or later.
import { CString, FFIType as F, type Pointer, ptr, toArrayBuffer } from 'bun:ffi';
import { InvalidOptionError, InvariantError } from '../../../core/errors.ts';
import type { TreeOptions, TreeRows } from '../../../native/index.ts';
import { type ExternalFit, type ExternalModel, openLibrary, text } from './library.ts';

const open = () =>
  openLibrary(
    {
      title: 'XGBoost',
      variable: 'NAUTILUS_XGBOOST',
      names: ['libxgboost.so.0', 'libxgboost.so', 'libxgboost.dylib'],
      install: 'run `apt install libxgboost-dev` or `brew install xgboost`',
    },
    {
      XGBGetLastError: { args: [], returns: F.ptr },
      XGDMatrixCreateFromMat: { args: [F.ptr, F.u64, F.u64, F.f32, F.ptr], returns: F.i32 },
      XGDMatrixSetFloatInfo: { args: [F.u64, F.ptr, F.ptr, F.u64], returns: F.i32 },
      XGDMatrixFree: { args: [F.u64], returns: F.i32 },
      XGBoosterCreate: { args: [F.ptr, F.u64, F.ptr], returns: F.i32 },
      XGBoosterSetParam: { args: [F.u64, F.ptr, F.ptr], returns: F.i32 },
      XGBoosterUpdateOneIter: { args: [F.u64, F.i32, F.u64], returns: F.i32 },
      XGBoosterEvalOneIter: { args: [F.u64, F.i32, F.ptr, F.ptr, F.u64, F.ptr], returns: F.i32 },
      XGBoosterSlice: { args: [F.u64, F.i32, F.i32, F.i32, F.ptr], returns: F.i32 },
      XGBoosterSaveModelToBuffer: { args: [F.u64, F.ptr, F.ptr, F.ptr], returns: F.i32 },
      XGBoosterFree: { args: [F.u64], returns: F.i32 },
    },
  );

const OBJECTIVES: Readonly<Partial<Record<string, string>>> = {
  squared: 'reg:squarederror',
  poisson: 'count:poisson',
  logistic: 'binary:logistic',
  softmax: 'multi:softprob',
};

function refuse(field: string, expected: string): never {
  throw new InvalidOptionError(`Expected ${expected} for ${field} beside engine xgboost`, [
    { pointer: `/options/${field}`, expected, received: 'another value' },
  ]);
}

/** Returns the parameters of XGBoost that mean the same. Throws InvalidOptionError for what it has not. */
function parametersOf(options: TreeOptions): Record<string, string | number> {
  const objective = OBJECTIVES[options.objective] ?? refuse('loss', 'squared or poisson');
  if (options.growth === 'oblivious') refuse('growth', 'level or leaf');
  if (options.categories) refuse('categories', 'no columns');
  if (options.minRows > 1) refuse('min_rows', '1 (min_hessian counts there)');
  const leaf = options.growth === 'leaf';
  return {
    objective,
    ...(options.objective === 'softmax' ? { num_class: options.classes } : {}),
    tree_method: 'hist',
    grow_policy: leaf ? 'lossguide' : 'depthwise',
    max_depth: options.maxDepth,
    max_leaves: leaf ? options.maxLeaves : 0,
    eta: options.learningRate,
    min_child_weight: options.minHessian,
    alpha: options.l1,
    lambda: options.l2,
    gamma: options.minGain,
    subsample: options.rowShare,
    colsample_bytree: options.columnShare,
    colsample_bynode: options.splitShare,
    max_bin: options.maxBins,
    seed: options.seed % 2 ** 31,
    nthread: options.threads,
    verbosity: 0,
    ...(options.monotone ? { monotone_constraints: `(${options.monotone.join(',')})` } : {}),
  };
}

/** Begins a fit. Throws BackendUnavailableError, InvalidOptionError. */
export function xgboostFit(
  options: TreeOptions,
  columns: number,
  training: TreeRows,
  validation?: TreeRows,
): ExternalFit {
  const parameters = parametersOf(options);
  const lib = open();
  const check = (status: number) => {
    if (status === 0) return;
    const said = lib.XGBGetLastError();
    throw new InvariantError(
      `XGBoost failed: ${said ? new CString(said).toString().slice(0, 200) : 'no reason'}`,
    );
  };
  const out = new BigUint64Array(2);
  const freed: (() => void)[] = [];
  const close = () => {
    for (const free of freed.splice(0).reverse()) free();
  };
  const matrix = (rows: TreeRows): bigint => {
    check(lib.XGDMatrixCreateFromMat(ptr(rows.inputs), rows.targets.length, columns, Number.NaN, ptr(out)));
    const handle = out[0]!;
    freed.push(() => lib.XGDMatrixFree(handle));
    const set = (name: string, values: Float32Array) =>
      check(lib.XGDMatrixSetFloatInfo(handle, ptr(text(name)), ptr(values), values.length));
    set('label', rows.targets);
    if (rows.weights) set('weight', rows.weights);
    return handle;
  };
  try {
    const matrices = BigUint64Array.from([training, ...(validation ? [validation] : [])].map(matrix));
    check(lib.XGBoosterCreate(ptr(matrices), matrices.length, ptr(out)));
    const booster = out[0]!;
    freed.push(() => lib.XGBoosterFree(booster));
    for (const [name, value] of Object.entries(parameters))
      check(lib.XGBoosterSetParam(booster, ptr(text(name)), ptr(text(String(value)))));
    let done = 0;
    const loss = (watched: boolean): number => {
      const name = text('rows');
      const names = BigUint64Array.of(BigInt(ptr(name)));
      const one = BigUint64Array.of(matrices[watched ? 1 : 0]!);
      check(lib.XGBoosterEvalOneIter(booster, done - 1, ptr(one), ptr(names), 1, ptr(out)));
      // "[3]\trows-rmse:0.25"
      return Number(new CString(Number(out[0]!) as Pointer).toString().split(':').at(-1));
    };
    return {
      round: () => check(lib.XGBoosterUpdateOneIter(booster, done++, matrices[0]!)),
      loss,
      model: (rounds) => {
        check(lib.XGBoosterSlice(booster, 0, rounds, 1, ptr(out)));
        const slice = out[0]!;
        freed.push(() => lib.XGBoosterFree(slice));
        check(lib.XGBoosterSaveModelToBuffer(slice, ptr(text('{"format":"json"}')), ptr(out), ptr(out, 8)));
        const bytes = new Uint8Array(toArrayBuffer(Number(out[1]!) as Pointer, 0, Number(out[0]!)).slice(0));
        return { bytes, gains: gainsOf(bytes, columns) };
      },
      close,
    };
  } catch (thrown) {
    close();
    throw thrown;
  }
}

interface SavedTree {
  readonly left_children: readonly number[];
  readonly split_indices: readonly number[];
  readonly loss_changes: readonly number[];
}

function gainsOf(bytes: Uint8Array, columns: number): ExternalModel['gains'] {
  const saved = JSON.parse(new TextDecoder().decode(bytes)) as {
    learner: { gradient_booster: { model: { trees: SavedTree[] } } };
  };
  const gains = new Float64Array(columns);
  for (const tree of saved.learner.gradient_booster.model.trees) {
    tree.left_children.forEach((left, node) => {
      if (left >= 0) gains[tree.split_indices[node]!]! += tree.loss_changes[node]!;
    });
  }
  return gains;
}
