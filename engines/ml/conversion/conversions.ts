// Variants of versions: made once in a process of its own, measured, kept with their version, and used again.
import type { Config } from '../../../src/core/config.ts';
import { DeadlineExceededError, NautilusError } from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { isHalfRounding } from '../../../src/onnx/variants/compare.ts';
import type { Precision } from '../../../src/onnx/variants/make.ts';
import type { Artefact, Artefacts } from '../registry/artefacts.ts';
import { defaultProbe, fromText, toText } from '../registry/probe.ts';
import type { Lineage, Probe, Signature, VariantRow, VersionRow } from '../registry/records.ts';
import type { RegistryStore } from '../registry/store.ts';
import { inChild, orderOf } from '../training/in-child.ts';
import type { Converted, ConvertInput } from './convert.ts';
import { CONVERSION_REFUSED, ConversionRefusedError } from './errors.ts';
import { type Conversion, recipeSchema } from './schemas.ts';

/** What conversions work with. */
export interface ConversionParts {
  readonly store: RegistryStore;
  readonly artefacts: Artefacts;
  readonly config: Config;
}

/** A variant of a version. */
export interface Variant {
  readonly conversion: Conversion;
  /** What it said to the rows of the probe when it was made. */
  readonly answers: Float32Array;
  /** Whether it had been made before. */
  readonly reused: boolean;
}

/** Longest conversion in milliseconds: the test rows of a large table are scored twice. */
const LONGEST_MS = 120_000;

/** Makes variants, one at a time. */
export class Conversions {
  readonly #parts: ConversionParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ConversionParts) {
    this.#parts = parts;
  }

  /**
   * Returns the variant of a version, made now where there is none. Throws ConversionRefusedError where it would change nothing, costs more
   * than `maxCost`, or answers otherwise than float16 explains: then nothing is kept; InvalidModelError, ModelIntegrityError,
   * DeadlineExceededError.
   */
  async ensure(row: VersionRow, precision: Precision, maxCost: number): Promise<Variant> {
    // What there is does not wait for the conversions of others.
    const known = await this.#known(row, precision, maxCost);
    if (known) return known;
    const made = this.#last.then(() => this.#make(row, precision, maxCost));
    this.#last = made.catch(() => undefined);
    return made;
  }

  /** Returns the bytes of the files of a variant. Throws ModelIntegrityError. */
  files(conversion: Conversion): Promise<{ readonly rows: number | null; readonly bytes: Uint8Array }[]> {
    return Promise.all(
      conversion.files.map(async (file) => ({
        rows: file.rows,
        bytes: await this.#parts.artefacts.read(file),
      })),
    );
  }

  async #known(
    { model_id, version }: VersionRow,
    precision: Precision,
    maxCost: number,
  ): Promise<Variant | null> {
    const row = (await this.#parts.store.queries.variants(model_id, version)).find(
      (one) => one.precision === precision,
    );
    if (!row) return null;
    const variant = variantOf(row, true);
    check(variant.conversion, maxCost);
    return variant;
  }

  async #make(row: VersionRow, precision: Precision, maxCost: number): Promise<Variant> {
    const { store } = this.#parts;
    const { model_id, version } = row;
    // Another caller may have been quicker.
    const known = await this.#known(row, precision, maxCost);
    if (known) return known;
    const { task } = await store.queries.model(model_id);
    const signature = JSON.parse(row.signature) as Signature;
    // Of one that was stored before versions had them, both are absent.
    if (signature.text) throw new ConversionRefusedError('Expected a model of numbers, was one of texts');
    const { measured, files, answers } = await this.#convert(row, precision, signature.task ?? task);
    check(measured, maxCost);
    const keep = async (left: Converted['files'], kept: readonly Artefact[]): Promise<VariantRow> => {
      const [file, ...rest] = left;
      // Each file is held until the row that names it is stored.
      if (file) return this.#parts.artefacts.keep(file.bytes, (artefact) => keep(rest, [...kept, artefact]));
      const report = JSON.stringify({
        ...measured,
        model_id,
        version: `${version}`,
        source_sha256: row.artefact_sha256,
        bytes_before: row.artefact_bytes,
        files: kept.map((artefact, i) => ({ rows: files[i]!.rows, ...artefact })),
      });
      const hashes = kept.map(({ sha256 }) => sha256);
      return store.keepVariant({ model_id, version, precision, report, answers: toText(answers) }, hashes);
    };
    return variantOf(await keep(files, []), false);
  }

  async #convert(row: VersionRow, precision: Precision, task: ConvertInput['task']): Promise<Converted> {
    const { artefacts, config } = this.#parts;
    const { input, output } = JSON.parse(row.signature) as Signature;
    const { rows, inputs } = JSON.parse(row.probe) as Probe;
    const { recipe, data_sha256 = null } = JSON.parse(row.lineage) as Lineage;
    const order: ConvertInput = {
      precision,
      model: await artefacts.read({ sha256: row.artefact_sha256, bytes: row.artefact_bytes }),
      sha256: row.artefact_sha256,
      task,
      input: input.name,
      output: output.name,
      rows,
      inputs: inputs === null ? defaultProbe(input.columns, input.type) : fromText(inputs),
      // A recipe may come with an upload, and be anything.
      recipe: recipeSchema.safeParse(recipe).data ?? null,
      dataSha256: data_sha256,
    };
    const signal = AbortSignal.timeout(LONGEST_MS);
    const whole = { kind: 'convert', ...orderOf(config, 'conversion'), input: order } as const;
    try {
      return await inChild(whole, { signal, progress() {} });
    } catch (error) {
      if (error instanceof CancelledError)
        throw new DeadlineExceededError(`Expected a conversion within ${LONGEST_MS} ms, took longer`);
      // From another process it comes as a plain error.
      if (error instanceof NautilusError && error.slug === CONVERSION_REFUSED)
        throw new ConversionRefusedError(error.message, error.extras);
      throw error;
    }
  }
}

function check(
  {
    precision,
    difference,
    cost,
    measured_on,
  }: Pick<Conversion, 'precision' | 'difference' | 'cost' | 'measured_on'>,
  maxCost: number,
): void {
  const { relative_error, agreement } = difference;
  const extras = { precision, cost, max_cost: maxCost, measured_on, relative_error, agreement };
  if (precision === 'float16' && !isHalfRounding(difference)) {
    throw new ConversionRefusedError(
      'Expected answers that differ by the rounding of float16 only, was more',
      extras,
    );
  }
  if (cost > maxCost)
    throw new ConversionRefusedError(
      `Expected a cost of at most ${maxCost}, was ${cost.toPrecision(3)}`,
      extras,
    );
}

function variantOf(row: VariantRow, reused: boolean): Variant {
  return { conversion: conversionOf(row), answers: fromText(row.answers), reused };
}

/** Returns what a stored variant says. */
export function conversionOf(row: VariantRow): Conversion {
  return { ...(JSON.parse(row.report) as Omit<Conversion, 'created_us'>), created_us: row.created_us };
}
