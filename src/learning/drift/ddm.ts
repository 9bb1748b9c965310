// DDM: an alarm when the share of errors is far above its least so far.
import { InvalidOptionError } from '../../core/errors.ts';
import { detectorNumber, refusedState } from './detector.ts';
import type { StreamDetector, StreamVerdict } from './types.ts';

export interface DdmOptions {
  /** Values before the first verdict. Default 30. */
  readonly minValues?: number;
  /** Standard deviations above the least from which it warns. Default 2. */
  readonly warning?: number;
  /** Standard deviations above the least from which it is a change. Default 3. */
  readonly drift?: number;
}

interface State {
  count: number;
  errors: number;
  /** Share of errors and its deviation where their sum was least; null before the first verdict. */
  share: number | null;
  deviation: number | null;
  changed: boolean;
}
const FRESH: State = { count: 0, errors: 0, share: null, deviation: null, changed: false };

export interface DdmJson {
  readonly detector: 'ddm';
  readonly options: Required<DdmOptions>;
  readonly state: Readonly<State>;
}

/** Gama, Medas, Castillo and Rodrigues 2004, "Learning with drift detection". Takes 1 for an error and 0 for none. After a change it begins anew. */
export class Ddm implements StreamDetector {
  readonly #options: Required<DdmOptions>;
  #state: State = { ...FRESH };

  /** Throws `InvalidOptionError` for options out of range. */
  constructor(options: DdmOptions = {}) {
    this.#options = {
      minValues: detectorNumber(options.minValues, 30, 'min_values', { least: 1 }),
      warning: detectorNumber(options.warning, 2, 'warning', { above: 0, below: Infinity }),
      drift: detectorNumber(options.drift, 3, 'drift', { above: 0, below: Infinity }),
    };
  }

  /** Takes 1 (an error) or 0. Throws `InvalidOptionError` for anything else. */
  update(value: number): StreamVerdict {
    if (value !== 0 && value !== 1) {
      const expected = '0 or 1';
      throw new InvalidOptionError(`Expected ${expected} for value`, [{ pointer: 'value', expected }]);
    }
    if (this.#state.changed) this.#state = { ...FRESH };
    const state = this.#state;
    state.count += 1;
    state.errors += value;
    if (state.count <= this.#options.minValues) return { drift: false, warning: false };
    const share = state.errors / state.count;
    const deviation = Math.sqrt((share * (1 - share)) / state.count);
    if (state.share === null || share + deviation <= state.share + state.deviation!) {
      state.share = share;
      state.deviation = deviation;
    }
    const over = (deviations: number) => share + deviation > state.share! + deviations * state.deviation!;
    state.changed = over(this.#options.drift);
    return { drift: state.changed, warning: !state.changed && over(this.#options.warning) };
  }

  toJSON(): DdmJson {
    return { detector: 'ddm', options: this.#options, state: { ...this.#state } };
  }

  /** Returns the detector that {@link toJSON} was called on. Throws `InvalidOptionError` for anything else. */
  static fromJSON(json: unknown): Ddm {
    const from = json as DdmJson;
    if (from?.detector !== 'ddm' || typeof from.state !== 'object' || from.state === null)
      refusedState('ddm');
    const { count, errors, share, deviation, changed } = from.state;
    const sound =
      [count, errors].every((value) => Number.isSafeInteger(value) && value >= 0) &&
      [share, deviation].every((value) => value === null || Number.isFinite(value)) &&
      typeof changed === 'boolean';
    if (!sound) refusedState('ddm');
    const detector = new Ddm(from.options);
    detector.#state = { count, errors, share, deviation, changed };
    return detector;
  }
}
