// The files of a fitted model, and how numbers and times are written in its card.
import type { ModelCard } from '../../../src/onnx/model-card.ts';

/** A card, and the three files of its folder. */
export interface ModelFiles {
  readonly card: ModelCard;
  readonly files: Readonly<Record<'model.onnx' | 'model.json' | 'README.md', Uint8Array>>;
}

/** Returns the files of a card, its graph and its prose. */
export function modelFiles(card: ModelCard, graph: Uint8Array, readme: string): ModelFiles {
  const text = new TextEncoder();
  return {
    card,
    files: {
      'model.onnx': graph,
      'model.json': text.encode(`${JSON.stringify(card, null, 2)}\n`),
      'README.md': text.encode(readme),
    },
  };
}

/** Returns a number with so many significant digits. */
export function digits(value: number, significant: number): number {
  return Number(value.toPrecision(significant));
}

/** Returns microseconds since the epoch as ISO 8601. */
export function iso(us: number): string {
  return new Date(us / 1000).toISOString();
}
