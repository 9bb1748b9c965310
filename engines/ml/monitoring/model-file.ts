// Versions as files that a process without a registry can run.
import type { ModelSource } from '../model-source.ts';
import type { VersionRow } from '../registry/records.ts';
import type { ModelFile } from './reference.ts';

/** Throws what finding and reading the version throw. */
export async function modelFileOf(
  source: ModelSource,
  { model_id, version }: Pick<VersionRow, 'model_id' | 'version'>,
): Promise<ModelFile> {
  return fileOf(source, `${model_id}@${version}+float32`);
}

/** As {@link modelFileOf}, of what a reference leads to. */
export async function fileOf(source: ModelSource, reference: string): Promise<ModelFile> {
  const found = await source.find(reference);
  const { model_id, version, model_type, inputs, output } = found.card;
  // Cards hold more than goes to another process.
  const card = { model_id, version, model_type, inputs: inputs.map(({ name }) => ({ name })), output };
  return { bytes: await found.bytes(), input: found.input ?? 'input', card };
}
