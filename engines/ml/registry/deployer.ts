// What serves: a version is tried in a process of its own before it takes over, and taken back on request.
import { ConflictError, InvalidOptionError, NautilusError } from '../../../src/core/errors.ts';
import { chooseProvider, type ModelRouting, type ProviderChoice } from '../../../src/onnx/provider.ts';
import { differenceOf, isHalfRounding } from '../../../src/onnx/variants/compare.ts';
import { WORTH_SHARE } from '../../../src/onnx/variants/coverage.ts';
import type { Conversions, Variant } from '../conversion/conversions.ts';
import { ConversionRefusedError } from '../conversion/errors.ts';
import { type Conversion, MAX_COST } from '../conversion/schemas.ts';
import type { Artefacts } from './artefacts.ts';
import { checkFinite, checkSame, defaultProbe, fromText } from './probe.ts';
import {
  type ModelRow,
  PROVIDERS,
  type Probe,
  type ServedPrecision,
  type Signature,
  type Target,
  type VersionRow,
} from './records.ts';
import { deploymentReply } from './replies.ts';
import type { DeployRequest } from './schemas.ts';
import type { Joined, NewDeployment, RegistryStore } from './store.ts';
import { tryModel } from './trial.ts';

/** What deployments work with. */
export interface DeployerParts {
  readonly store: RegistryStore;
  readonly artefacts: Artefacts;
  readonly conversions: Pick<Conversions, 'ensure' | 'files'>;
  readonly routing?: ModelRouting | undefined;
  /** Longest trial in milliseconds. */
  readonly trialMs: number;
  /** Opens `<id>@<version>+<precision>` where it will serve, so that the first request does not wait for it. */
  readonly warm: (reference: string, provider: ProviderChoice['provider']) => Promise<unknown>;
  /** Told after each deployment, also one that failed. */
  readonly onChange: (id: string) => void;
  /** Told how each deployment and rollback ended. */
  readonly onDeploy: (outcome: 'deployed' | 'refused') => void;
  /** For tests: another platform, and another process that tries. */
  readonly platform?: string;
  readonly tryModel?: typeof tryModel;
}

/** What a deployment is asked for beside its version. */
interface Wanted {
  readonly target: Target;
  readonly precision: 'auto' | ServedPrecision;
  readonly allowFallback: boolean;
  readonly maxCost: number;
  /** Of a rollback to what served on the CPU although its target would not be: why. */
  readonly fallback: string | null;
}

/** What will serve. */
interface Plan {
  readonly provider: ProviderChoice['provider'];
  readonly precision: ServedPrecision;
  /** Why it is the CPU although the target would not be. */
  readonly fallback: string | null;
  readonly variant: Variant | null;
}

type Choice = Wanted & { readonly row: VersionRow } & Pick<
    NewDeployment,
    'kind' | 'version' | 'seq' | 'below'
  >;

/** Deploys versions of registered models. */
export class Deployer {
  readonly #parts: DeployerParts;
  readonly #deploying = new Set<string>();

  constructor(parts: DeployerParts) {
    this.#parts = parts;
  }

  /** Whether the next deployment of a model is being tried. */
  isDeploying(id: string): boolean {
    return this.#deploying.has(id);
  }

  /**
   * Makes a version serve once it has loaded, and answered its probe as it did when it came, in a process of its own; an accelerator runs the
   * float16 variant, which is made before. Throws NotFoundError, ConflictError (another deployment under way or meanwhile, another answer),
   * InvalidModelError, ModelIntegrityError, BackendUnavailableError, InvalidOptionError (a precision that the target does not have), and
   * ConversionRefusedError. With `joined` also ConflictError where another deployment than its `seq` is the newest, and what it refuses.
   */
  deploy(id: string, request: DeployRequest, joined?: Joined) {
    const { version = 'latest', target = 'auto', precision = 'auto' } = request;
    const { allow_fallback: allowFallback = false, max_cost: maxCost = MAX_COST } = request;
    return this.#serve(
      id,
      async ({ deployment_seq: seq, production_version }) => {
        const row = await this.#parts.store.queries.named(id, version);
        const below = production_version === null ? null : seq;
        const wanted = { target, precision, allowFallback, maxCost, fallback: null };
        return { row, kind: 'deploy' as const, version: row.version, seq, below, ...wanted };
      },
      joined,
    );
  }

  /** Makes serve again what served before the version that does; a second rollback goes one further back. Throws as {@link deploy}. */
  rollback(id: string, joined?: Joined) {
    return this.#serve(
      id,
      async (model) => {
        const below = await this.#parts.store.below(model);
        const row = await this.#parts.store.queries.version(id, below.version);
        const { version, target, fallback, below_seq } = below;
        // Where the router chose the accelerator, it chooses again: it may not be there any more.
        const precision = target === 'auto' && below.precision === 'float16' ? 'auto' : below.precision;
        // What it cost was accepted when it was deployed.
        const wanted = { target, precision, allowFallback: false, maxCost: 1, fallback } as const;
        return {
          row,
          kind: 'rollback' as const,
          version,
          seq: model.deployment_seq,
          below: below_seq,
          ...wanted,
        };
      },
      joined,
    );
  }

  async #serve(id: string, choose: (model: ModelRow) => Promise<Choice>, joined?: Joined) {
    const model = await this.#parts.store.queries.model(id);
    // What was decided for one deployment is not for the next; the transaction looks again.
    if (joined && model.deployment_seq !== joined.seq) {
      throw new ConflictError('Expected no other deployment meanwhile, was one', { model_id: id });
    }
    if (this.#deploying.has(id)) {
      throw new ConflictError('Expected no other deployment of this model under way, was one', {
        model_id: id,
      });
    }
    this.#deploying.add(id);
    try {
      const { row, kind, version, target, seq, below, ...wanted } = await choose(model);
      const plan = await this.#plan(row, { target, ...wanted });
      const ran = await this.#try(row, plan);
      const { precision, fallback, variant } = plan;
      const written = { kind, version, target, precision, fallback, seq, below };
      const deployment = await this.#parts.store.deploy(id, written, joined);
      this.#parts.onDeploy('deployed');
      return {
        ...deploymentReply(deployment),
        hardware_used: ran,
        conversion: variant?.conversion ?? null,
      };
    } catch (error) {
      if (error instanceof NautilusError) this.#parts.onDeploy('refused');
      throw error;
    } finally {
      // After a failure too: a database that went away in the middle may have stored it.
      this.#parts.onChange(id);
      this.#deploying.delete(id);
    }
  }

  /** Decides what runs where, and makes the variant that it needs. */
  async #plan(row: VersionRow, wanted: Wanted): Promise<Plan> {
    const { target, precision, allowFallback, maxCost, fallback } = wanted;
    const { platform = process.platform, conversions } = this.#parts;
    if (fallback !== null) return { provider: 'cpu', precision: 'float32', fallback, variant: null };
    if (precision === 'int8') {
      if (target !== 'auto' && target !== 'cpu')
        throw unfit('auto or cpu as target for int8, which Core ML does not take');
      const variant = await conversions.ensure(row, 'int8', maxCost);
      return { provider: 'cpu', precision, fallback: null, variant };
    }
    const router = this.#parts.routing?.router;
    const { provider } = chooseProvider(PROVIDERS[target], row.artefact_bytes, platform, router);
    const plain = { precision: 'float32', fallback: null, variant: null } as const;
    if (provider === 'cpu') {
      if (precision === 'float16')
        throw unfit('neural_engine or metal_gpu as target for float16, which the CPU gains nothing by');
      return { provider, ...plain };
    }
    if (precision === 'float32') return { provider, ...plain };
    try {
      const variant = await conversions.ensure(row, 'float16', maxCost);
      checkWorth(variant.conversion);
      return { provider, precision: 'float16', fallback: null, variant };
    } catch (error) {
      if (!(error instanceof ConversionRefusedError) || (target !== 'auto' && !allowFallback)) throw error;
      return { provider: 'cpu', ...plain, fallback: error.message };
    }
  }

  /** Returns what ran a version in a process of its own, with the answers that are stored, once it is open for serving. */
  async #try(row: VersionRow, { provider, precision, variant }: Plan): Promise<string> {
    const { artefacts, conversions, trialMs, warm } = this.#parts;
    const files = variant ? await conversions.files(variant.conversion) : [];
    const source = { sha256: row.artefact_sha256, bytes: row.artefact_bytes };
    const model = precision === 'int8' ? files[0]!.bytes : await artefacts.read(source);
    const { input, output } = JSON.parse(row.signature) as Signature;
    const { rows, inputs, outputs } = JSON.parse(row.probe) as Probe;
    const header = { rows, columns: input.columns, input: input.name, output: output.name, provider };
    const values = inputs === null ? defaultProbe(input.columns, input.type) : fromText(inputs);
    const fixed = files.flatMap((file) =>
      file.rows === null ? [] : [{ rows: file.rows, bytes: file.bytes }],
    );
    const trial = { ...header, model, inputs: values, variant: fixed };
    const said = await (this.#parts.tryModel ?? tryModel)(trial, { timeoutMs: trialMs });
    checkFinite(said.outputs);
    const stored = fromText(outputs);
    if (precision === 'float16') checkHalf(stored, said.outputs, rows);
    else checkSame(said.outputs, precision === 'int8' ? variant!.answers : stored);
    await warm(`${row.model_id}@${row.version}+${precision}`, provider);
    return said.provider;
  }
}

/** Throws ConversionRefusedError where most of the work would stay on the CPU. */
function checkWorth({ coverage: { accelerated_share, partitions, on_cpu } }: Conversion): void {
  if (accelerated_share >= WORTH_SHARE) return;
  const operators = [...new Set(on_cpu.map(({ operator }) => operator))].slice(0, 5).join(', ');
  throw new ConversionRefusedError(
    `Expected a model of which Core ML takes half of the work or more, was ${Math.round(100 * accelerated_share)}% (${operators} stay on the CPU)`,
    { accelerated_share, partitions },
  );
}

function checkHalf(stored: Float32Array, said: Float32Array, rows: number): void {
  if (stored.length === said.length && isHalfRounding(differenceOf(stored, said, rows, false))) return;
  throw new ConflictError(
    'Expected answers to the rows of the probe that differ from the stored ones by the rounding of float16 only',
  );
}

function unfit(expected: string): InvalidOptionError {
  const field = { pointer: '/precision', expected };
  return new InvalidOptionError(`Expected ${expected}`, [field]);
}
