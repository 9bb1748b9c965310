// The rows of the kernel table that follow from the indicator definitions.
import type { AnyIndicator } from '../../src/indicators/define.ts';
import { pascal } from './names.ts';

/**
 * Returns the text of `native/core/generated/indicators.def`. Tolerances are 0: a step is additions, multiplications,
 * divisions, roots and comparisons in one order, each correctly rounded, so that every target and backend gives the same bits.
 */
export function nativeRows(head: string, defs: readonly AnyIndicator[]): string {
  return `${head}\n${defs.map(row).join('')}`;
}

function row(def: AnyIndicator): string {
  const panels = (count: number) => Array(count).fill('[bars, series]').join(', ');
  const shape = `${panels(def.inputs.length)} -> ${panels(Object.keys(def.outputs).length)}`;
  return `NAUTILUS_INDICATOR(${pascal(def.name)}, "${def.name}", "${shape}", kMaskF64 | kMaskF32, "hwy", ${def.metalFrom ?? 0}, 0, 0)\n`;
}
