// An open text model: texts in, one row of logits for each out.
import type { InferenceSession } from 'onnxruntime-node';
import { ConflictError, ShapeMismatchError } from '../core/errors.ts';
import { InvalidModelError } from '../onnx/errors.ts';
import { inspectModel, type ModelSummary } from '../onnx/inspect.ts';
import { TEXT_OPERATORS } from '../onnx/operators.ts';
import type { ProviderChoice } from '../onnx/provider.ts';
import { loadRuntime } from '../onnx/runtime.ts';
import { unpackText } from './bundle.ts';
import { PROBE_TEXTS, rowsOfTexts, TEXT_COLUMNS, textOfRow } from './rows.ts';
import { openTokenizer, type TextTokenizer } from './tokenizer.ts';

/** Inputs that a graph may have; the first has to be there. */
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/** What the graph of a text model takes and gives. */
export interface TextGraph {
  readonly summary: ModelSummary;
  /** Which of the known inputs it has. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/**
 * Returns what the graph of a text model takes and gives, without loading it. Throws InvalidModelError for inputs other than int64
 * `input_ids`, `attention_mask` and `token_type_ids` [rows, tokens] with free sizes, and for no float32 output [rows, `classes`].
 */
export function inspectTextGraph(graph: Uint8Array, classes: number): TextGraph {
  const summary = inspectModel(graph, { operators: TEXT_OPERATORS });
  const names = summary.inputs.map(({ name }) => name);
  if (!names.includes(INPUTS[0]) || names.some((name) => !(INPUTS as readonly string[]).includes(name)))
    throw new InvalidModelError(`Expected the inputs ${INPUTS.join(', ')}, the last two optional`);
  for (const { name, type, dims } of summary.inputs) {
    if (type !== 'int64' || dims.length !== 2 || dims.some((size) => typeof size === 'number'))
      throw new InvalidModelError(`Expected input ${name} as int64 [rows, tokens] with free sizes`);
  }
  const [output] = summary.outputs;
  if (output?.type !== 'float32' || output.dims.length !== 2)
    throw new InvalidModelError('Expected logits as the first output, float32 [rows, classes]');
  if (typeof output.dims[1] === 'number' && output.dims[1] !== classes)
    throw new InvalidModelError(`Expected logits of ${classes} classes, one for each label`);
  return { summary, inputs: names, output: output.name };
}

/** A text model ready to predict, as the processes that run models want it: rows of {@link TEXT_COLUMNS} numbers in. */
export interface TextSession {
  readonly input: { readonly name: string; readonly columns: number };
  /** Each text runs alone, so that its company cannot change its bits. */
  readonly rowsRunAlone: true;
  readonly tokenizer: TextTokenizer;
  /** Texts to measure it with. */
  probe(rows: number): Float32Array;
  /**
   * Returns [rows, classes + 1]: the logits, and how many tokens the whole text has. Throws ShapeMismatchError for rows that are no
   * texts, InvalidModelError when the model fails on a text, ConflictError after `close`.
   */
  predict(rows: Float32Array, count: number): Promise<Float32Array>;
  ranOn(output: Float32Array): ProviderChoice;
  close(): Promise<void>;
}

const ON_CPU: ProviderChoice = { provider: 'cpu', coreMlFlags: 0, reason: 'text models run on the CPU' };

/** Opens the file of a text model. Throws InvalidModelError, BackendUnavailableError. */
export async function openTextSession(bytes: Uint8Array): Promise<TextSession> {
  const { labels, maxTokens, tokenizer: file, graph } = unpackText(bytes);
  const { inputs, output } = inspectTextGraph(graph, labels.length);
  const tokenizer = openTokenizer(file);
  const native = await load(graph);
  const width = labels.length + 1;
  let closed = false;
  return {
    input: { name: INPUTS[0], columns: TEXT_COLUMNS },
    rowsRunAlone: true,
    tokenizer,
    probe: (rows) => rowsOfTexts(Array.from({ length: rows }, (_, i) => PROBE_TEXTS[i % 4]!)),
    async predict(rows, count) {
      if (closed) throw new ConflictError('Expected an open model, was closed');
      if (rows.length !== count * TEXT_COLUMNS)
        throw new ShapeMismatchError(`Expected ${count} x ${TEXT_COLUMNS} inputs, was ${rows.length} values`);
      const said = new Float32Array(count * width);
      for (let row = 0; row < count; row++) {
        const text = textOfRow(rows.subarray(row * TEXT_COLUMNS, (row + 1) * TEXT_COLUMNS));
        if (text === null) throw new ShapeMismatchError(`Expected a text, was none in row ${row}`);
        const { ids, total } = encoded(tokenizer, text, maxTokens);
        said.set(await run(native, inputs, output, ids, labels.length), row * width);
        said[row * width + labels.length] = total;
      }
      return said;
    },
    ranOn: () => ON_CPU,
    async close() {
      if (closed) return;
      closed = true;
      await native.release();
    },
  };
}

async function load(graph: Uint8Array): Promise<InferenceSession> {
  const { InferenceSession } = await loadRuntime();
  try {
    return await InferenceSession.create(graph, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 4,
    });
  } catch (cause) {
    throw new InvalidModelError('Expected a model that ONNX Runtime can load', cause);
  }
}

function encoded(tokenizer: TextTokenizer, text: string, most: number) {
  try {
    return tokenizer.encode(text, most);
  } catch (cause) {
    throw new InvalidModelError('Expected a tokenizer that reads this text', cause);
  }
}

/** The logits of one text; all of its tokens are real ones, so that the mask is ones. */
async function run(
  native: InferenceSession,
  inputs: readonly string[],
  output: string,
  ids: readonly number[],
  classes: number,
): Promise<Float32Array> {
  // A text without tokens, where none are put around it: a graph can't take the mean of nothing.
  if (ids.length === 0) return new Float32Array(classes);
  const { Tensor } = await loadRuntime();
  const of = (values: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  const feeds = {
    input_ids: of(ids),
    attention_mask: of(ids.map(() => 1)),
    token_type_ids: of(ids.map(() => 0)),
  };
  const given = Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.includes(name)));
  let logits: unknown;
  try {
    logits = (await native.run(given, [output]))[output]?.data;
  } catch (cause) {
    throw new InvalidModelError('Expected a model that runs on this text', cause);
  }
  if (!(logits instanceof Float32Array) || logits.length !== classes)
    throw new InvalidModelError(`Expected ${classes} logits for a text, one for each label`);
  return logits;
}
