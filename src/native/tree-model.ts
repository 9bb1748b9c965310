// What trees are outside the addon: an object of typed arrays.

/**
 * Decision trees one after the other; of several classes those of each round in their order. A row starts at a root and goes left where
 * its value is at most the threshold or one of the set, right otherwise, until a node without a feature. The sum of a class is its base
 * and the values of the leaves where the row ended in its trees.
 */
export interface TreeModel {
  readonly columns: number;
  /** Sums of a row: 1, or one for each class. */
  readonly classes: number;
  /** [classes]. */
  readonly base: Float64Array;
  /** [trees]: the place of each root. Tree t belongs to class t modulo `classes`. */
  readonly roots: Int32Array;
  /** [nodes]: the column that is asked, -1 for a leaf. */
  readonly feature: Int32Array;
  readonly threshold: Float32Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** [nodes]: 1 where NaN goes left. */
  readonly missingLeft: Uint8Array;
  /** [nodes]: where 8 words of `sets` begin whose bits are the codes that go left; -1 where the threshold counts. */
  readonly set: Int32Array;
  readonly sets: Uint32Array;
  /** [nodes]: of a leaf. Multiples of one power of 2, such that any sum of them is a float32 without rounding. */
  readonly value: Float32Array;
  /** [nodes]: by how much a split lowers twice the loss, in the units of gradients squared over hessians. */
  readonly gain: Float64Array;
  /** [nodes]: rows that were there when it grew. */
  readonly cover: Float64Array;
}

/** Rows that a fit reads until it is over: leave the arrays alone. */
export interface TreeRows {
  /** [rows, columns]; NaN is missing. */
  readonly inputs: Float32Array;
  /** [rows]; of classes their numbers from 0. */
  readonly targets: Float32Array;
  /** [rows], at least 0. */
  readonly weights?: Float32Array | undefined;
}

/** How far a fit is. */
export interface TreeProgress {
  readonly rounds: number;
  /** Mean loss of the rows; of forests half the squared error of rows by the trees that have not seen them, NaN while there is none. */
  readonly loss: number;
  /** NaN without rows of validation. */
  readonly validationLoss: number;
  /** Rounds that the model has: up to the best validation loss with `patience`, otherwise all. */
  readonly bestRounds: number;
  readonly done: boolean;
}

/** The addon's side of a fit. */
export interface RawTreeFit {
  readonly step: (rounds: number, token: Uint32Array) => Promise<TreeProgress>;
  readonly take: () => TreeModel;
}
