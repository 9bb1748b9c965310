// Rows of the registry as replies show them, and as serving takes them.
import { conversionOf } from '../conversion/conversions.ts';
import type { FoundModel } from '../model-source.ts';
import type { Artefacts } from './artefacts.ts';
import {
  type DeploymentRow,
  type ModelRow,
  PROVIDERS,
  type Signature,
  signatureSchema,
  type Target,
  type VariantRow,
  type VersionRow,
} from './records.ts';
import type { ModelVersion, RegisteredModel } from './schemas.ts';
import { precisionOf } from './store.ts';

/** A number of a version, as replies say it. */
export function versionText(version: number): string;
export function versionText(version: number | null): string | null;
export function versionText(version: number | null): string | null {
  return version === null ? null : `${version}`;
}

/** Returns the page of a model. */
export function modelReply(
  row: ModelRow,
  tags: readonly string[],
  aliases: Readonly<Record<string, number>>,
  target: Target | null,
): RegisteredModel {
  return {
    model_id: row.model_id,
    source: 'registry',
    name: row.name,
    description: row.description,
    model_type: row.model_type,
    task: row.task,
    family: row.family,
    options: JSON.parse(row.options),
    configuration: JSON.parse(row.configuration),
    tags: [...tags],
    aliases: Object.fromEntries(Object.entries(aliases).map(([alias, version]) => [alias, `${version}`])),
    revision: row.revision,
    newest_version: row.newest_version === 0 ? null : `${row.newest_version}`,
    production_version: versionText(row.production_version),
    target,
    created_us: row.created_us,
    updated_us: row.updated_us,
  };
}

/** Returns the page of a version. */
export function versionReply(
  row: VersionRow,
  aliases: Readonly<Record<string, number>>,
  variants: readonly VariantRow[],
): ModelVersion {
  return {
    model_id: row.model_id,
    version: versionText(row.version),
    stage: row.stage,
    aliases: Object.keys(aliases).filter((alias) => aliases[alias] === row.version),
    signature: signatureOf(row),
    metrics: JSON.parse(row.metrics),
    lineage: JSON.parse(row.lineage),
    artefact: { sha256: row.artefact_sha256, bytes: row.artefact_bytes },
    variants: variants.filter(({ version }) => version === row.version).map(conversionOf),
    created_us: row.created_us,
    updated_us: row.updated_us,
  };
}

/** Returns one change of what serves. */
export function deploymentReply({ below_seq: _, ...row }: DeploymentRow) {
  return {
    ...row,
    precision: row.version === null ? null : precisionOf(row),
    version: versionText(row.version),
    previous_version: versionText(row.previous_version),
  };
}

/** What a version takes and gives; of one that was stored before a field was known, the field is null. */
function signatureOf({ signature }: Pick<VersionRow, 'signature'>): Signature {
  return signatureSchema.parse(JSON.parse(signature));
}

/** What is known of how a version serves. */
export interface Served {
  /** Null for a version that does not serve. */
  readonly target: Target | null;
  readonly fellBack: boolean;
  /** What serves in place of the version. */
  readonly int8: VariantRow | undefined;
  /** What accelerators run in its place. */
  readonly float16: VariantRow | undefined;
}

/** Returns a version as serving takes it. */
export function foundModel(
  model: ModelRow,
  row: VersionRow,
  { target, fellBack, int8, float16 }: Served,
  artefacts: Artefacts,
): FoundModel {
  const { input, output, task, serving, text } = signatureOf(row);
  const whole = { sha256: row.artefact_sha256, bytes: row.artefact_bytes };
  const artefact = int8 ? conversionOf(int8).files[0]! : whole;
  const provider = int8 || fellBack ? 'cpu' : PROVIDERS[target ?? 'auto'];
  const key = `${row.model_id}@${row.version}`;
  return {
    key: int8 ? `${key}+int8` : key,
    card: {
      model_id: row.model_id,
      version: versionText(row.version),
      model_type: task ?? model.task,
      inputs: columnNames(input).map((name) => ({ name })),
      output: { name: output.name, ...(output.classes && { classes: output.classes }) },
      ...(text && { text: { labels: text.labels, maxTokens: text.max_tokens } }),
      artefact,
      serving,
      recipe: JSON.parse(row.lineage).recipe,
    },
    input: input.name,
    provider,
    bytes: () => artefacts.read(artefact),
    ...(float16 && { variant: fixedOf(float16, artefacts) }),
  };
}

function fixedOf(row: VariantRow, artefacts: Artefacts): NonNullable<FoundModel['variant']> {
  const { files } = conversionOf(row);
  return {
    key: files.map(({ sha256 }) => sha256).join('+'),
    files: () =>
      Promise.all(files.map(async (file) => ({ rows: file.rows!, bytes: await artefacts.read(file) }))),
  };
}

/** Names of the columns; `x1`, `x2`, ... where none were given, and `text` for a text model. */
export function columnNames({ type, columns, names }: Signature['input']): readonly string[] {
  if (type === 'text') return ['text'];
  return names ?? Array.from({ length: columns }, (_, i) => `x${i + 1}`);
}
