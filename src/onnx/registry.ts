// The models on disk: `<directory>/<model_id>/model.json` beside `model.onnx`, checked against each other.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NautilusError, NotFoundError } from '../core/errors.ts';
import { ModelIntegrityError } from './errors.ts';
import { readBounded } from './file.ts';
import { MAX_MODEL_BYTES } from './inspect.ts';
import { type ModelCard, modelCardSchema, modelIdSchema } from './model-card.ts';
import { type ModelSession, openSession, type SessionOptions } from './session.ts';

const MAX_CARD_BYTES = 1024 * 1024;

/** Every folder of a registry: the cards that hold, and the folders whose card does not, with the reason. */
export interface ModelListing {
  readonly models: readonly ModelCard[];
  readonly rejected: readonly { readonly model_id: string; readonly reason: string }[];
}

/**
 * Returns the models of a directory, sorted by id. One broken card does not hide the others. Artefacts are not read
 * here: `loadModel` checks the one that is wanted. Throws NotFoundError when the directory is absent.
 */
export async function listModels(directory: string): Promise<ModelListing> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => {
    throw new NotFoundError('Expected a directory of models, was none');
  });
  const models: ModelCard[] = [];
  const rejected: { model_id: string; reason: string }[] = [];
  const ids = entries.filter((entry) => entry.isDirectory() && modelIdSchema.safeParse(entry.name).success);
  for (const id of ids.map((entry) => entry.name).sort()) {
    try {
      models.push(await readCard(directory, id));
    } catch (error) {
      if (!(error instanceof NautilusError)) throw error;
      rejected.push({ model_id: id, reason: error.message });
    }
  }
  return { models, rejected };
}

/**
 * Returns one model's card and the bytes of its artefact, whose length and SHA-256 are those of the card.
 * Throws NotFoundError for an unknown id, ModelIntegrityError when card, folder and artefact contradict each other,
 * TooLargeError over 64 MiB.
 */
export async function loadModel(
  directory: string,
  id: string,
): Promise<{ readonly card: ModelCard; readonly bytes: Uint8Array }> {
  const card = await readCard(directory, id);
  const bytes = await readBounded(join(directory, id, card.artefact.file), MAX_MODEL_BYTES).catch((error) => {
    throw error instanceof NotFoundError
      ? new ModelIntegrityError(`Expected the artefact of ${id}, was absent`)
      : error;
  });
  if (bytes.length !== card.artefact.bytes || sha256(bytes) !== card.artefact.sha256) {
    throw new ModelIntegrityError(`Expected the artefact of ${id} that its card names, was another file`);
  }
  return { card, bytes };
}

/**
 * Opens a registered model. Beside the checks of `loadModel` and `openSession`, the graph must have as many input
 * columns as the card lists inputs, and the card's output; else ModelIntegrityError.
 */
export async function openModel(
  directory: string,
  id: string,
  options: SessionOptions = {},
): Promise<{ readonly card: ModelCard; readonly session: ModelSession }> {
  const { card, bytes } = await loadModel(directory, id);
  const session = await openSession(bytes, { output: card.output.name, ...options });
  if (session.input.columns !== card.inputs.length) {
    await session.close();
    throw new ModelIntegrityError(
      `Expected the graph of ${id} to take the inputs of its card, was another number`,
    );
  }
  return { card, session };
}

/** Returns the SHA-256 of bytes in lower-case hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher('sha256').update(bytes).digest('hex');
}

/** Returns one model's card. Throws NotFoundError for an unknown id, ModelIntegrityError for a card that does not hold. */
export async function readCard(directory: string, id: string): Promise<ModelCard> {
  // The id is checked before it becomes a path, so `..` and separators can't leave the directory.
  if (!modelIdSchema.safeParse(id).success) throw new NotFoundError('Expected the id of a registered model');
  const bytes = await readBounded(join(directory, id, 'model.json'), MAX_CARD_BYTES).catch((error) => {
    throw error instanceof NotFoundError ? new NotFoundError('Expected the id of a registered model') : error;
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new ModelIntegrityError(`Expected the card of ${id} as JSON`);
  }
  const card = modelCardSchema.safeParse(parsed);
  if (!card.success) {
    const path = card.error.issues[0]?.path.join('/') ?? '';
    throw new ModelIntegrityError(`Expected the card of ${id} to follow its schema, was not at /${path}`);
  }
  if (card.data.model_id !== id)
    throw new ModelIntegrityError(`Expected the card of ${id}, was of another model`);
  return card.data;
}
