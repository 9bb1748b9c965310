// A file that comes to be a version: read, checked and tried before anything is written.
import { type FieldError, InvalidOptionError, ShapeMismatchError } from '../../../src/core/errors.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import { inspectModel } from '../../../src/onnx/inspect.ts';
import { checkFinite, defaultProbe, PROBE_ROWS, toText } from './probe.ts';
import type { Probe, Signature } from './records.ts';
import { MAX_COLUMNS, type ModelDefinition, type VersionDefinition } from './schemas.ts';
import { tryModel } from './trial.ts';

/** What is known of a file once it was tried. */
export interface Accepted {
  readonly signature: Signature;
  readonly probe: Probe;
}

/**
 * Returns what a version of these bytes takes and gives, and what it says to the rows of its probe. The file is inspected first;
 * then it runs in a process of its own. Throws InvalidModelError, TooLargeError, ShapeMismatchError (names, classes, rows of the probe),
 * InvalidOptionError (no such output).
 */
export async function accept(
  model: Uint8Array,
  definition: Pick<VersionDefinition, 'inputs' | 'output' | 'probe' | 'serving' | 'task'>,
  timeoutMs: number,
): Promise<Accepted> {
  const { inputs: names, output: asked, probe, serving } = definition;
  const { inputs, outputs, opsets, operators, parameters } = inspectModel(model);
  const [input, ...others] = inputs;
  if (!input || others.length > 0) throw new InvalidModelError(`Expected one input, was ${inputs.length}`);
  const columns = input.dims[1];
  if (input.dims.length !== 2 || typeof columns !== 'number' || columns < 1 || columns > MAX_COLUMNS) {
    throw new InvalidModelError(`Expected an input [rows, columns] with 1 to ${MAX_COLUMNS} columns`);
  }
  const output = outputs.find(({ name }) => name === (asked?.name ?? outputs[0]!.name));
  if (!output) {
    if (asked?.name === undefined) throw new InvalidModelError('Expected an output, was none');
    const field = { pointer: '/output/name', expected: 'the name of an output of the graph' };
    throw new InvalidOptionError(`Expected ${field.expected} for ${field.pointer}`, [field]);
  }
  if (names && names.length !== columns) throw shape('/inputs', `${columns} names`, names.length);
  const rows = probe?.length ?? PROBE_ROWS;
  const values = probe ? flat(probe, columns) : defaultProbe(columns);
  const header = { rows, columns, input: input.name, output: output.name, provider: 'cpu' } as const;
  const { outputs: said } = await tryModel({ ...header, model, inputs: values }, { timeoutMs });
  checkFinite(said);
  const width = said.length / rows;
  if (asked?.classes && asked.classes.length !== width)
    throw shape('/output/classes', `${width} names`, asked.classes.length);
  return {
    signature: {
      input: { name: input.name, type: 'float32', columns, names: names ?? null },
      output: {
        name: output.name,
        type: 'float32',
        columns: width,
        meaning: asked?.meaning ?? null,
        classes: asked?.classes ?? null,
      },
      task: definition.task ?? null,
      opsets,
      operators: [...operators],
      parameters,
      ...(serving && { serving }),
    },
    probe: { rows, inputs: probe ? toText(values) : null, outputs: toText(said) },
  };
}

/** What is said of a version needs one. Throws InvalidOptionError that names the fields. */
export function checkNoVersion(definition: ModelDefinition, tokenizer: Uint8Array | null): void {
  const fields = [
    'format',
    'rounds',
    'inputs',
    'output',
    'probe',
    'labels',
    'max_tokens',
    'metrics',
    'lineage',
    'serving',
  ] as const;
  const errors: FieldError[] = fields
    .filter((field) => definition[field] !== undefined)
    .map((field) => ({ pointer: `/${field}`, expected: 'no such field without an ONNX file' }));
  if (tokenizer) errors.push({ pointer: '/tokenizer', expected: 'an ONNX file beside the tokenizer' });
  if (errors.length > 0) throw new InvalidOptionError(`Expected ${errors[0]!.expected}`, errors);
}

function flat(rows: readonly (readonly number[])[], columns: number): Float32Array {
  const values = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) {
    if (row.length !== columns) throw shape(`/probe/${i}`, `${columns} numbers`, row.length);
    values.set(row, i * columns);
  }
  return values;
}

function shape(pointer: string, expected: string, received: number): ShapeMismatchError {
  return new ShapeMismatchError(`Expected ${expected} for ${pointer}, was ${received}`, [
    { pointer, expected, received: `${received}` },
  ]);
}
