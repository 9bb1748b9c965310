// Files of other libraries as ONNX, on their way into the registry: recognised, converted in a process of its own, described.
import { resolve } from 'node:path';
import { z } from 'zod';
import { ChildLostError, objectOf } from '../../../src/core/child-process.ts';
import { InvalidOptionError, NautilusError } from '../../../src/core/errors.ts';
import type { ImportedModel } from '../../../src/learning/import/index.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import { framed, runTask, unframed } from './one-task.ts';
import type { VersionDefinition } from './schemas.ts';

/** What is told of a converted file, before the bytes of its graph. */
export type Converted = Pick<
  ImportedModel,
  'format' | 'task' | 'objective' | 'columns' | 'names' | 'trees' | 'nodes'
>;
/** Why a file was not converted. */
export type NotConverted = Pick<NautilusError, 'slug' | 'status' | 'title' | 'extras'> & {
  readonly detail: string;
};

const CHILD = resolve(import.meta.dir, 'import-child.ts');
/** Of the process that converts. */
const MAX_BYTES = 2 ** 31;
const saidSchema = z.union([
  z.object({ converted: objectOf<Converted>() }),
  z.object({ refused: objectOf<NotConverted>() }),
]);

/** A file as the registry stores it, with what it says of itself where nobody said otherwise. */
export interface Imported<D> {
  readonly definition: D;
  readonly file: Uint8Array;
}

/**
 * Returns an ONNX file as it came, and a file of XGBoost, LightGBM or CatBoost as ONNX: by `format`, else by its first bytes. Names of
 * columns, the task and the meaning of the output are those of the file where the definition has none; its format and hash go into the
 * lineage. Throws InvalidModelError (malformed, of another format, over `timeoutMs` or 2 GiB), UnsupportedModelError as a plain NautilusError,
 * TooLargeError, InvalidOptionError (rounds).
 */
export async function importFile<D extends VersionDefinition>(
  definition: D,
  file: Uint8Array,
  timeoutMs: number,
): Promise<Imported<D>> {
  const { format, rounds, ...rest } = definition;
  const plain = rest as D;
  if (format === 'onnx' || (format === undefined && !isOfTrees(file))) {
    if (rounds === undefined) return { definition: plain, file };
    throw noRounds();
  }
  const [about, model] = await convert(file, rounds, timeoutMs);
  const library = about.format.split('_')[0]!;
  if (format !== undefined && format !== library)
    throw new InvalidModelError(`Expected a file of ${format}, was one of ${library}`);
  if (rounds !== undefined && library !== 'xgboost') throw noRounds();
  const meaning = about.task === 'regression' ? 'number' : 'probabilities of the classes';
  return {
    file: model,
    definition: {
      ...plain,
      task: plain.task ?? about.task,
      ...(about.names && { inputs: plain.inputs ?? [...about.names] }),
      output: { meaning: `${meaning} by ${about.objective} of ${library}`, ...plain.output },
      lineage: { ...plain.lineage, imported_from: about.format, imported_sha256: sha256(file) },
    },
  };
}

function noRounds(): InvalidOptionError {
  const error = { pointer: '/rounds', expected: 'no such field but of an XGBoost file' };
  return new InvalidOptionError(`Expected ${error.expected}`, [error]);
}

/** Whether the first bytes are those of a file of trees; no ONNX file begins so, as `{` and `t` are no tags of its first field. */
function isOfTrees(file: Uint8Array): boolean {
  const start = new TextDecoder('latin1').decode(file.subarray(0, 64));
  return /^\s*\{/.test(start) || /^tree\r?\n/.test(start);
}

async function convert(
  file: Uint8Array,
  rounds: VersionDefinition['rounds'],
  timeoutMs: number,
): Promise<readonly [Converted, Uint8Array]> {
  const limits = { timeoutMs, maxBytes: MAX_BYTES };
  const input = framed({ rounds }, [file]);
  const said = await runTask(CHILD, input, limits, 'that converts a model').catch((error) => {
    if (!(error instanceof ChildLostError)) throw error;
    const within = error.loss === 'memory' ? `${MAX_BYTES} bytes of memory` : `${timeoutMs} ms`;
    throw new InvalidModelError(`Expected a file that is converted within ${within}`);
  });
  if (said.length < 4) throw new InvalidModelError('Expected a file that can be converted');
  const { header, bytes } = unframed(said);
  const answer = saidSchema.parse(header);
  if ('converted' in answer) return [answer.converted, bytes.slice()];
  const { slug, status, title, detail, extras } = answer.refused;
  throw new NautilusError(slug, status, title, detail, extras);
}
