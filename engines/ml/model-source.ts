// Where models come from: a reference leads to one version, its card and its bytes.
import { NotFoundError } from '../../src/core/errors.ts';
import { ModelIntegrityError } from '../../src/onnx/errors.ts';
import type { ModelCard, ServingFacts } from '../../src/onnx/model-card.ts';
import type { AskedProvider } from '../../src/onnx/provider.ts';
import { loadModel, readCard } from '../../src/onnx/registry.ts';
import type { FixedFile } from '../../src/onnx/session.ts';
import type { Label } from '../../src/text/labels.ts';

/** What serving has to know of a version; a `model.json` says it too. */
export interface ServedCard extends Pick<ModelCard, 'model_id' | 'version'> {
  /** What the numbers are: `classification`, `regression`, `clustering` or `reconstruction`. */
  readonly model_type: string;
  /** Columns of the input, in order. */
  readonly inputs: readonly { readonly name: string }[];
  /** Name of the graph's output that is served. */
  readonly output: {
    readonly name: string;
    /** Names of the classes, in order. */
    readonly classes?: readonly string[] | undefined;
  };
  readonly artefact: { readonly sha256: string; readonly bytes: number };
  /** What is known of its numbers: calibration, intervals, target. */
  readonly serving?: ServingFacts | undefined;
  /** How a training made its rows, as its lineage holds it; absent where nobody said. */
  readonly recipe?: unknown;
  /** Of a text model: what its classes mean, and how many tokens it reads. Its one input is `text`. */
  readonly text?: { readonly labels: readonly Label[]; readonly maxTokens: number };
}

/** One version that a reference leads to. */
export interface FoundModel {
  /** `<model_id>@<version>`, with `+int8` for 8-bit weights: the same key means the same bytes. */
  readonly key: string;
  readonly card: ServedCard;
  /** Name of the graph's input; `input` when absent. */
  readonly input?: string;
  /** The hardware that its deployment asks for; `auto` when absent. */
  readonly provider?: AskedProvider;
  /** Files for fixed numbers of rows that an accelerator runs in place of the artefact. */
  readonly variant?: {
    /** The same for the same files, and for nothing else. */
    readonly key: string;
    /** Throws ModelIntegrityError. */
    files(): Promise<FixedFile[]>;
  };
  /**
   * Returns the artefact, whose length and SHA-256 are those of the card. Throws ModelIntegrityError when it is absent or
   * another file, TooLargeError over 64 MiB.
   */
  bytes(): Promise<Uint8Array>;
}

/** Finds models. */
export interface ModelSource {
  /**
   * Returns what a reference leads to now: `<model_id>` is the version that serves, `<model_id>@<version or alias>` that one.
   * Throws NotFoundError, ConflictError for a model of which no version serves, ModelIntegrityError for a card that does not hold.
   */
  find(reference: string): Promise<FoundModel>;
}

/** A reference in its parts; `name` is a version or an alias, null for the version that serves. */
export interface ModelReference {
  readonly id: string;
  readonly name: string | null;
}

/** Returns the parts of `<id>` or `<id>@<version or alias>`. */
export function splitReference(reference: string): ModelReference {
  const at = reference.indexOf('@');
  return at < 0
    ? { id: reference, name: null }
    : { id: reference.slice(0, at), name: reference.slice(at + 1) };
}

/** Returns the models of a directory; each has the one version that its card names. */
export function fileModels(directory: string): ModelSource {
  return {
    async find(reference) {
      const { id, name } = splitReference(reference);
      const card = await readCard(directory, id);
      if (name !== null && name !== card.version) {
        throw new NotFoundError(`Expected a version of ${id}, which has ${card.version} only`);
      }
      return { key: `${id}@${card.version}`, card, bytes: () => artefactOf(directory, card) };
    },
  };
}

async function artefactOf(directory: string, card: ModelCard): Promise<Uint8Array> {
  const found = await loadModel(directory, card.model_id);
  if (found.card.artefact.sha256 !== card.artefact.sha256) {
    throw new ModelIntegrityError(`Expected the card of ${card.model_id} as it was read, was changed since`);
  }
  return found.bytes;
}
