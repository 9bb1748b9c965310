// What serves: a version is tried in a process of its own before it takes over, and taken back on request.
import { ConflictError, NautilusError } from '../../../src/core/errors.ts';
import { chooseProvider, type ModelRouting, type ProviderChoice } from '../../../src/onnx/provider.ts';
import type { Artefacts } from './artefacts.ts';
import { checkFinite, checkSame, defaultProbe, fromText } from './probe.ts';
import {
  type ModelRow,
  PROVIDERS,
  type Probe,
  type Signature,
  type Target,
  type VersionRow,
} from './records.ts';
import { deploymentReply } from './replies.ts';
import type { DeployRequest } from './schemas.ts';
import type { NewDeployment, RegistryStore } from './store.ts';
import { tryModel } from './trial.ts';

/** What deployments work with. */
export interface DeployerParts {
  readonly store: RegistryStore;
  readonly artefacts: Artefacts;
  readonly routing?: ModelRouting | undefined;
  /** Longest trial in milliseconds. */
  readonly trialMs: number;
  /** Opens `<id>@<version>` where it will serve, so that the first request does not wait for it. */
  readonly warm: (reference: string, provider: ProviderChoice['provider']) => Promise<unknown>;
  /** Told after each deployment, also one that failed. */
  readonly onChange: (id: string) => void;
  /** Told how each deployment and rollback ended. */
  readonly onDeploy: (outcome: 'deployed' | 'refused') => void;
}

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
   * Makes a version serve once it has loaded, and answered its probe as it did when it came, in a process of its own. Throws NotFoundError,
   * ConflictError (another deployment under way or meanwhile, another answer), InvalidModelError, ModelIntegrityError,
   * BackendUnavailableError.
   */
  deploy(id: string, { version = 'latest', target = 'auto' }: DeployRequest) {
    return this.#serve(id, async ({ deployment_seq: seq, production_version }) => {
      const row = await this.#parts.store.queries.named(id, version);
      const below = production_version === null ? null : seq;
      return { row, wanted: { kind: 'deploy', version: row.version, target, seq, below } };
    });
  }

  /** Makes serve again what served before the version that does; a second rollback goes one further back. Throws as {@link deploy}. */
  rollback(id: string) {
    return this.#serve(id, async (model) => {
      const { version, target, below_seq } = await this.#parts.store.below(model);
      const row = await this.#parts.store.queries.version(id, version);
      return {
        row,
        wanted: { kind: 'rollback', version, target, seq: model.deployment_seq, below: below_seq },
      };
    });
  }

  async #serve(id: string, choose: (model: ModelRow) => Promise<{ row: VersionRow; wanted: NewDeployment }>) {
    const model = await this.#parts.store.queries.model(id);
    if (this.#deploying.has(id)) {
      throw new ConflictError('Expected no other deployment of this model under way, was one', {
        model_id: id,
      });
    }
    this.#deploying.add(id);
    try {
      const { row, wanted } = await choose(model);
      const provider = await this.#try(row, wanted.target);
      const deployment = await this.#parts.store.deploy(id, wanted);
      this.#parts.onDeploy('deployed');
      return { ...deploymentReply(deployment), hardware_used: provider };
    } catch (error) {
      if (error instanceof NautilusError) this.#parts.onDeploy('refused');
      throw error;
    } finally {
      // After a failure too: a database that went away in the middle may have stored it.
      this.#parts.onChange(id);
      this.#deploying.delete(id);
    }
  }

  /** Returns what ran the version in a process of its own, with the answers that are stored, once it is open for serving. */
  async #try(row: VersionRow, target: Target): Promise<string> {
    const artefact = { sha256: row.artefact_sha256, bytes: row.artefact_bytes };
    const { router } = this.#parts.routing ?? {};
    const { provider } = chooseProvider(PROVIDERS[target], artefact.bytes, process.platform, router);
    const model = await this.#parts.artefacts.read(artefact);
    const { input, output } = JSON.parse(row.signature) as Signature;
    const { rows, inputs, outputs } = JSON.parse(row.probe) as Probe;
    const header = { rows, columns: input.columns, input: input.name, output: output.name, provider };
    const values = inputs === null ? defaultProbe(input.columns, input.type) : fromText(inputs);
    const said = await tryModel({ ...header, model, inputs: values }, { timeoutMs: this.#parts.trialMs });
    checkFinite(said.outputs);
    checkSame(said.outputs, fromText(outputs));
    await this.#parts.warm(`${row.model_id}@${row.version}`, provider);
    return said.provider;
  }
}
