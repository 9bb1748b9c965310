// All Metal kernels as one text, its units, and the text that is left of it for some kernels with a mistake in it.
import { join, resolve } from 'node:path';
import type { Mutant } from './sites.ts';
import { graphOf, reach, reversed, type Unit, unitsOf } from './units.ts';

export const ROOT = resolve(import.meta.dir, '../../..');

/** The text of all kernels in the order of native/sources.cmake, and where each file begins in it. */
export interface Source {
  readonly text: string;
  readonly files: readonly { readonly name: string; readonly from: number; readonly text: string }[];
  readonly units: readonly Unit[];
  readonly kernels: readonly Unit[];
  /** The kernels that a unit is part of, nearest first. */
  kernelsOf(unit: Unit): readonly Unit[];
  /** What those kernels need, with the mistake in it if there is one. */
  slice(kernels: readonly Unit[], mutant?: Mutant): string;
}

/** Reads the kernels. */
export async function readSource(): Promise<Source> {
  const list = await Bun.file(join(ROOT, 'native/sources.cmake')).text();
  const names = [...list.matchAll(/native\/metal\/\S+\.metal/g)].map(([name]) => name);
  const files: { name: string; from: number; text: string }[] = [];
  let text = '';
  for (const name of names) {
    const own = await Bun.file(join(ROOT, name)).text();
    files.push({ name, from: text.length, text: own });
    text += `${own}\n`;
  }
  const units = unitsOf(text);
  const graph = graphOf(units);
  const back = reversed(graph);
  return {
    text,
    files,
    units,
    kernels: units.filter(({ isKernel }) => isKernel),
    kernelsOf: (unit) => [...reach(back, [unit])].filter(({ isKernel }) => isKernel),
    slice: (kernels, mutant) => {
      const wanted = reach(graph, kernels);
      return units
        .filter((unit) => wanted.has(unit) || unit.names.length === 0)
        .map(({ from, to }) => {
          if (!mutant || mutant.from < from || mutant.from >= to) return text.slice(from, to);
          return text.slice(from, mutant.from) + mutant.text + text.slice(mutant.to, to);
        })
        .join('');
    },
  };
}
