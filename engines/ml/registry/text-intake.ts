// A text model that comes to be a version: graph and tokenizer become one file, which is checked and tried before anything is written.
import { type FieldError, InvalidOptionError } from '../../../src/core/errors.ts';
import { packText } from '../../../src/text/bundle.ts';
import { DEFAULT_TOKENS } from '../../../src/text/limits.ts';
import { PROBE_TEXTS, rowsOfTexts, TEXT_COLUMNS } from '../../../src/text/rows.ts';
import { inspectTextGraph } from '../../../src/text/session.ts';
import type { Accepted } from './intake.ts';
import { checkFinite, toText } from './probe.ts';
import type { VersionDefinition } from './schemas.ts';
import { tryModel } from './trial.ts';

/** A text model once it was tried, and its one file. */
export interface AcceptedText extends Accepted {
  readonly file: Uint8Array;
}

/** Throws InvalidOptionError for fields of a text model without a tokenizer, and for a text model with fields of columns. */
export function checkText(definition: VersionDefinition, tokenizer: Uint8Array | null): void {
  // A file that comes with a tokenizer is ONNX, and not converted to it.
  const converted = definition.format === 'onnx' ? [] : (['format'] as const);
  const unfit = tokenizer
    ? (['inputs', 'probe', 'serving', 'task', 'rounds', ...converted] as const)
    : (['labels', 'max_tokens'] as const);
  const expected = tokenizer ? 'no such field for a text model' : 'no such field without a tokenizer';
  const errors: FieldError[] = unfit
    .filter((field) => definition[field] !== undefined)
    .map((field) => ({ pointer: `/${field}`, expected }));
  if (tokenizer && !definition.labels)
    errors.push({ pointer: '/labels', expected: 'what each class means', received: 'missing' });
  if (errors.length > 0) throw new InvalidOptionError(`Expected ${errors[0]!.expected}`, errors);
}

/**
 * Returns what a text model takes and gives, and what it says to some texts. The graph is inspected here; the tokenizer is first read
 * in the process of the trial, where it can hold up nobody. Throws InvalidModelError and TooLargeError.
 */
export async function acceptText(
  graph: Uint8Array,
  tokenizer: Uint8Array,
  { labels = [], max_tokens = DEFAULT_TOKENS, output }: VersionDefinition,
  timeoutMs: number,
): Promise<AcceptedText> {
  const { summary, inputs, output: name } = inspectTextGraph(graph, labels.length);
  const file = packText({ labels, maxTokens: max_tokens, tokenizer, graph });
  const rows = PROBE_TEXTS.length;
  const header = { rows, columns: TEXT_COLUMNS, input: inputs[0]!, output: name, provider: 'cpu' } as const;
  const trial = { ...header, model: file, inputs: rowsOfTexts(PROBE_TEXTS) };
  const { outputs: said } = await tryModel(trial, { timeoutMs });
  checkFinite(said);
  return {
    file,
    signature: {
      input: { name: 'input_ids', type: 'text', columns: TEXT_COLUMNS, names: null },
      output: {
        name,
        type: 'float32',
        columns: said.length / rows,
        meaning: output?.meaning ?? null,
        classes: [...labels],
      },
      task: 'classification',
      text: { labels: [...labels], max_tokens, inputs: [...inputs] },
      opsets: summary.opsets,
      operators: [...summary.operators],
      parameters: summary.parameters,
    },
    probe: { rows, inputs: null, outputs: toText(said) },
  };
}
