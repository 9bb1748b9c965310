// Asks a model for rows that came together: in blocks of one size where each row gets the bits that it gets alone.
import { InvalidModelError } from '../../src/onnx/errors.ts';
import type { ModelSession } from '../../src/onnx/session.ts';

/** Rows of every block: a shorter one is filled up, so that no row's arithmetic depends on how many came together. */
export const BLOCK_ROWS = 64;
/** From this many rows on a block is used: with fewer the rows that fill it up would cost more than is won. */
export const MIN_BLOCK_ROWS = 16;
/** Blocks of the check at load: so many rows are seen at every place. */
const CHECKED_BLOCKS = 8;
/** Bigger models run row by row: the check would hold up their load, and a run costs little beside their arithmetic. */
const MAX_PARAMETERS = 100_000;

/** The part of a session that predicts. */
export type RowModel = Pick<ModelSession, 'input' | 'predict' | 'summary'>;

/** Runs the rows of one model. */
export class RowRuns {
  readonly #model: RowModel;
  /** False: each row is run alone, since in a block it gets other bits, or might. */
  readonly inBlocks: boolean;

  private constructor(model: RowModel, inBlocks: boolean) {
    this.#model = model;
    this.inBlocks = inBlocks;
  }

  /** Checks on 512 rows whether the model may run in blocks. One that fails on them, or is big, runs row by row. */
  static async of(model: RowModel): Promise<RowRuns> {
    const small = model.summary.parameters <= MAX_PARAMETERS;
    return new RowRuns(model, small && (await rowsStandAlone(model).catch(() => false)));
  }

  /**
   * Returns the model's number for each of at most {@link BLOCK_ROWS} rows, in order: NaN where the model fails, which
   * `failed` hears of, or gives no single number. Rows may be changed once the promise settles.
   */
  async predict(rows: readonly Float32Array[], failed: (error: unknown) => void): Promise<ArrayLike<number>> {
    if (this.inBlocks && rows.length >= MIN_BLOCK_ROWS) {
      // Where a block fails, its rows are asked one by one: the good ones keep their number.
      const block = await together(this.#model, rows).catch(() => null);
      if (block) return block;
    }
    const one = (row: Float32Array) =>
      alone(this.#model, row).catch((error) => {
        failed(error);
        return Number.NaN;
      });
    return Promise.all(rows.map(one));
  }
}

async function alone(model: RowModel, row: Float32Array): Promise<number> {
  const output = await model.predict(row, 1);
  return output.length === 1 ? output[0]! : Number.NaN;
}

async function together(model: RowModel, rows: readonly Float32Array[]): Promise<Float32Array> {
  const { columns } = model.input;
  const inputs = new Float32Array(BLOCK_ROWS * columns);
  // A row that is wanted anyway fills the rest: it is as good an input as any.
  for (let i = 0; i < BLOCK_ROWS; i++) inputs.set(rows[i] ?? rows[0]!, i * columns);
  const output = await model.predict(inputs, BLOCK_ROWS);
  if (output.length !== BLOCK_ROWS) throw new InvalidModelError('Expected one number per row');
  return output.subarray(0, rows.length);
}

/** True when rows of five magnitudes get the same bits at every place of a block, among other rows, as alone. */
async function rowsStandAlone(model: RowModel): Promise<boolean> {
  for (let block = 0; block < CHECKED_BLOCKS; block++) {
    const rows = Array.from({ length: BLOCK_ROWS }, (_, i) =>
      checkedRow(block * BLOCK_ROWS + i, model.input.columns),
    );
    const output = await together(model, rows);
    const expected = await Promise.all(rows.map((row) => alone(model, row)));
    if (!expected.every((value, i) => Object.is(value, output[i]))) return false;
  }
  return true;
}

function checkedRow(n: number, columns: number): Float32Array {
  const magnitude = 10 ** ((n % 5) - 3);
  return Float32Array.from(
    { length: columns },
    (_, column) => magnitude * Math.sin(1 + n * 7.3 + column * 2.1),
  );
}
