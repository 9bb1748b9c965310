// What drifted between two tables: every column measured, significance over all columns together, a verdict by the size of the effect.
import { InvalidOptionError } from '../../core/errors.ts';
import { adjustedP } from '../discoveries.ts';
import { categoryColumn, incomparable, type Judged, numericColumn, type Settings } from './columns.ts';
import type { TableSketch } from './table-sketch.ts';
import {
  type ColumnDrift,
  DRIFT_THRESHOLDS,
  type DriftMeasure,
  type DriftOptions,
  type DriftReport,
} from './types.ts';
import { verdict } from './verdict.ts';

const MEASURES: readonly DriftMeasure[] = ['psi', 'ks', 'js', 'wasserstein', 'cramers_v'];

function settingsOf(options: DriftOptions): Settings {
  const refuse = (pointer: string, expected: string): never => {
    throw new InvalidOptionError(`Expected ${expected} for ${pointer}`, [{ pointer, expected }]);
  };
  const { alpha = 0.05, measure = 'psi', bins = 10, minRows = 30, correction = 'bh' } = options;
  if (!(alpha > 0 && alpha < 0.5)) refuse('alpha', 'a number above 0 and below 0.5');
  if (!MEASURES.includes(measure)) refuse('measure', MEASURES.join(', '));
  if (!Number.isInteger(bins) || bins < 2 || bins > 100) refuse('bins', 'an integer from 2 to 100');
  if (!Number.isInteger(minRows) || minRows < 2) refuse('min_rows', 'an integer from 2');
  if (correction !== 'bh' && correction !== 'none') refuse('correction', 'bh or none');
  const thresholds = { ...DRIFT_THRESHOLDS };
  for (const [name, value] of Object.entries(options.thresholds ?? {})) {
    if (value === undefined) continue;
    if (!Object.hasOwn(DRIFT_THRESHOLDS, name)) refuse(`thresholds/${name}`, 'the name of a measure');
    if (!(value > 0 && Number.isFinite(value))) refuse(`thresholds/${name}`, 'a number above 0');
    thresholds[name as DriftMeasure] = value;
  }
  return { alpha, measure, thresholds, bins, minRows, correction };
}

/**
 * Returns what changed from `reference` to `current`, column by column in the order of the reference, columns of the current table alone last. A column drifted when
 * its difference is significant, over all columns together, and the measure is at least its threshold; few rows, constant and empty columns get a reason and no
 * verdict. Throws `InvalidOptionError` for options out of range.
 */
export function compareSketches(
  reference: TableSketch,
  current: TableSketch,
  options: DriftOptions = {},
): DriftReport {
  const settings = settingsOf(options);
  const names = new Set([...reference.columns, ...current.columns].map(({ name }) => name));
  const judged = Array.from(names, (name): Judged => {
    const one = reference.column(name);
    const other = current.column(name);
    if (one?.kind === 'numeric' && other?.kind === 'numeric')
      return numericColumn(name, one, other, settings);
    if (one?.kind === 'categorical' && other?.kind === 'categorical')
      return categoryColumn(name, one, other, settings);
    return incomparable(name, one, other, settings);
  });
  const p = judged.map((column) => column.p);
  const adjusted = settings.correction === 'bh' ? adjustedP(p) : p;
  const columns: ColumnDrift[] = judged.map((column, i) => verdict(column, adjusted[i]!, settings));
  const counted = columns.filter((column) => column.p !== null);
  const drifted = counted.filter((column) => column.drifted).length;
  const indices = counted.flatMap((column) => column.tests.psi?.statistic ?? []);
  return {
    rows: { reference: reference.rows, current: current.rows },
    alpha: settings.alpha,
    measure: settings.measure,
    correction: settings.correction,
    min_rows: settings.minRows,
    columns,
    drifted,
    drifted_share: counted.length > 0 ? drifted / counted.length : null,
    judged: counted.length,
    psi_max: indices.length > 0 ? Math.max(...indices) : null,
  };
}
