// Reports on posted tables: how two of them differ, and what is wrong with one. Small ones at once, large ones as jobs.
import type { z } from 'zod';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { defineJob, type JobContext, type JobDefinition } from '../../../src/jobs/define.ts';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import type { JobAccepted } from '../../../src/jobs/record.ts';
import { qualityReport, TableSketch } from '../../../src/learning/drift/index.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { asReply, condensed } from './condense.ts';
import type { Reference } from './records.ts';
import type { References } from './references.ts';
import {
  type DriftRequest,
  driftReply,
  driftRequest,
  type QualityReply,
  type QualityRequest,
  qualityReply,
  qualityRequest,
} from './schemas.ts';
import { compareTables, type ReferenceSide } from './tables-drift.ts';

/** Numbers of all tables of a request that is answered at once. */
export const AT_ONCE_CELLS = 2_000_000;
/** Findings of a report at most. */
const MOST_FINDINGS = 2000;
const HOUR_MS = 3_600_000;

/** What reports on tables work with. */
export interface TableReportParts {
  readonly models: ModelsService;
  readonly datasets: DatasetStore;
  readonly references: Pick<References, 'make' | 'recipe'>;
  readonly stored: (id: string, version: string) => Promise<Reference | null>;
}

type DriftReply = z.output<typeof driftReply>;

/** A model side with the version that a name leads to. */
interface NamedVersion {
  readonly model_id: string;
  readonly version: string;
}

/** Reports on tables. */
export class TableReports {
  readonly kinds: readonly { readonly definition: JobDefinition }[];
  readonly #parts: TableReportParts;
  #jobs: Jobs | undefined;

  constructor(parts: TableReportParts) {
    this.#parts = parts;
    // They change nothing, so that they can be begun again.
    const limits = { attempts: 2, timeoutMs: HOUR_MS };
    const drift = defineJob({
      ...{ kind: 'drift', input: driftRequest, result: driftReply, ...limits },
      run: (input: DriftRequest, job: JobContext) => this.#drift(input, job),
    }) as JobDefinition;
    const quality = defineJob({
      ...{ kind: 'quality', input: qualityRequest, result: qualityReply, ...limits },
      run: (input: QualityRequest, { signal }: JobContext) => this.#quality(input, signal),
    }) as JobDefinition;
    this.kinds = [{ definition: drift }, { definition: quality }];
  }

  bind(jobs: Jobs): void {
    this.#jobs = jobs;
  }

  /**
   * Compares a table with another one, or with what a version was fitted on. Answers with a job where the tables are large, where it is asked for, and where
   * the rows of the version have to be made first. Throws NotFoundError, ConflictError, InvalidOptionError (columns), InsufficientHistoryError.
   */
  async drift(
    request: DriftRequest,
    signal: AbortSignal,
  ): Promise<{ readonly report: DriftReply } | { readonly job: JobAccepted }> {
    const cells = await this.#cells(request.current.dataset_id);
    const { reference } = request;
    let waits = request.async;
    if ('dataset_id' in reference)
      waits ||= cells + (await this.#cells(reference.dataset_id)) > AT_ONCE_CELLS;
    else {
      const named = await this.#named(reference);
      if (request.columns)
        throw new InvalidOptionError('Expected columns of two tables only', [
          { pointer: '/columns', expected: 'two tables: a version has all of its inputs' },
        ]);
      const stored = await this.#ofTraining(named);
      if (!stored) await this.#parts.references.recipe(named.model_id, named.version);
      waits ||= !stored || cells > AT_ONCE_CELLS;
    }
    if (waits) return { job: await this.#jobs!.add('drift', request) };
    return { report: await this.#drift(request, { signal, jobId: 'none' }) };
  }

  /** Says what is wrong with a table. Throws NotFoundError, DatasetIntegrityError. */
  async quality(
    request: QualityRequest,
    signal: AbortSignal,
  ): Promise<{ readonly report: QualityReply } | { readonly job: JobAccepted }> {
    const { dataset_id, reference_dataset_id } = request;
    let cells = await this.#cells(dataset_id);
    if (reference_dataset_id) cells += await this.#cells(reference_dataset_id);
    if (request.async || cells > AT_ONCE_CELLS) return { job: await this.#jobs!.add('quality', request) };
    return { report: await this.#quality(request, signal) };
  }

  async #drift(
    { reference, current, columns, drift }: DriftRequest,
    job: Pick<JobContext, 'signal' | 'jobId'>,
  ): Promise<DriftReply> {
    const { datasets } = this.#parts;
    let side: ReferenceSide;
    let about: Record<string, unknown>;
    if ('dataset_id' in reference) {
      side = { datasetId: reference.dataset_id };
      about = { dataset_id: reference.dataset_id };
    } else {
      const named = await this.#named(reference);
      const { model_id, version } = named;
      const made =
        (await this.#ofTraining(named)) ?? (await this.#parts.references.make(model_id, version, null, job));
      side = { sketch: made.inputs, recipe: await this.#parts.references.recipe(model_id, version) };
      about = { model_id, ...made.info };
    }
    const options = columns ? { columns, drift } : { drift };
    const report = await compareTables(side, current.dataset_id, options, datasets, job.signal);
    return { ...asReply(condensed(report)), reference: about, current: { dataset_id: current.dataset_id } };
  }

  async #quality(
    { dataset_id, reference_dataset_id }: QualityRequest,
    signal: AbortSignal,
  ): Promise<QualityReply> {
    const { datasets } = this.#parts;
    const { frame } = await datasets.open(dataset_id);
    const before = reference_dataset_id ? await datasets.open(reference_dataset_id) : null;
    const reference = before && (await TableSketch.buildLater(before.frame.columns, { signal }));
    const { tsUs, seriesOf, columns } = frame;
    const { findings, ...report } = await qualityReport(
      { columns, tsUs, seriesOf },
      { signal, ...(reference && { reference }) },
    );
    const listed = findings.slice(0, MOST_FINDINGS);
    return { dataset_id, ...report, findings: listed, left_out: findings.length - listed.length };
  }

  async #cells(id: string): Promise<number> {
    const { rows, columns } = await this.#parts.datasets.get(id);
    return rows * columns.length;
  }

  /** The rows that a version was fitted on, where a monitor has them: it may compare with others. */
  async #ofTraining({ model_id, version }: NamedVersion): Promise<Reference | null> {
    const stored = await this.#parts.stored(model_id, version);
    return stored?.info.kind === 'training' ? stored : null;
  }

  /** The number of the version that a name leads to. */
  async #named({ model_id, version }: NamedVersion): Promise<NamedVersion> {
    const { card } = await this.#parts.models.source.find(`${model_id}@${version}`);
    return { model_id, version: card.version };
  }
}
