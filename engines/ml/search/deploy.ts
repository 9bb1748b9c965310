// A search becomes a model: the best trial, another one, or the stack is registered as a version once, and made to serve.
import { ConflictError, InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import type { Transaction } from '../../../src/store/database.ts';
import type { DatasetStore } from '../datasets/store.ts';
import { Queries } from '../registry/queries.ts';
import type { ModelsService } from '../registry/service.ts';
import type { JoinedVersion } from '../registry/store.ts';
import { type TrainInput, trainInput } from '../training/schemas.ts';
import { versionOf } from '../training/version.ts';
import { best } from './board.ts';
import { candidateOf } from './candidate.ts';
import { choiceName, finished, stackOf } from './conclude.ts';
import type { Choice, Finished } from './messages.ts';
import type { SearchRow, Settings } from './records.ts';
import type { DeploySearchRequest } from './schemas.ts';
import type { Searches } from './search.ts';

/** What deploying needs. */
export interface DeployParts {
  readonly searches: Searches;
  readonly models: ModelsService;
  readonly datasets: DatasetStore;
}

/** Deploys what searches found. */
export class SearchDeployer {
  readonly #parts: DeployParts;
  /** Choices that this process is registering, so that two requests for one fit and try its model once. */
  readonly #registering = new Map<string, Promise<Registered>>();

  constructor(parts: DeployParts) {
    this.#parts = parts;
  }

  /**
   * Registers a choice of a completed search and, when it is ready for production, has it serve; the same choice again is the same version. Throws
   * NotFoundError (search, model, table), ConflictError (a search without an end, a stack that nobody asked for), InvalidOptionError (a trial
   * without a score), and what the registry and its deployer throw.
   */
  async deploy(searchId: string, request: DeploySearchRequest) {
    const { searches, models } = this.#parts;
    const search = await searches.store.get(searchId);
    const choice = await this.#choice(search, request.choice);
    const { model_id, version } = await this.#registered(search, choice, request.model_id);
    const { production_version } = await models.registry.store.queries.model(model_id);
    const serves = production_version === version;
    const { target_hardware: target, precision, allow_fallback, max_cost } = request;
    const wanted = { version: `${version}`, target, precision, allow_fallback, max_cost };
    const deployment =
      request.production_ready && !serves ? await models.deployer.deploy(model_id, wanted) : null;
    const { metrics } = await models.registry.version(model_id, `${version}`);
    return {
      ...{ id: model_id, model_id, version: `${version}`, job_id: searchId },
      trial: choice.kind === 'stack' ? null : choice.trial.number,
      performance: metrics,
      deployment,
      deployed: serves || deployment !== null,
    };
  }

  async #choice(search: SearchRow, asked: DeploySearchRequest['choice']): Promise<Choice> {
    const { store } = this.#parts.searches;
    const { search_id, state, settings } = search;
    if (state !== 'completed')
      throw new ConflictError(`Expected a search that is completed, was ${state}`, {
        job_id: search_id,
        state,
      });
    if (typeof asked === 'number') {
      const trial = await store.trial(search_id, asked);
      if (trial?.state !== 'complete') throw refused('the number of a trial that is complete');
      return { kind: 'trial', trial };
    }
    const trials = await store.trials(search_id);
    if (asked === 'best') return { kind: 'trial', trial: best(trials)! };
    const stack = stackOf(trials, settings);
    if (stack.kind !== 'stack' || stack.trials.length < 2)
      throw refused('best or a trial: the search has no stack, which `ensemble` asks for');
    return stack;
  }

  #registered(search: SearchRow, choice: Choice, modelId: string | undefined): Promise<Registered> {
    const key = [search.search_id, choiceName(choice), modelId].join('/');
    const under = this.#registering.get(key);
    if (under) return under;
    const made = this.#register(search, choice, modelId).finally(() => this.#registering.delete(key));
    this.#registering.set(key, made);
    return made;
  }

  async #register(search: SearchRow, choice: Choice, modelId: string | undefined): Promise<Registered> {
    const { searches, models, datasets } = this.#parts;
    const { search_id, settings } = search;
    const name = choiceName(choice);
    const { queries } = models.registry.store;
    const known = await this.#known(search_id, name, modelId);
    if (known) return known;
    if (modelId !== undefined) await models.change(modelId, () => queries.model(modelId));
    const card = await datasets.get(settings.dataset_id);
    // Another trial than the best is fitted now. It goes on when the request is given up, and is there for the next one.
    const { signal } = new AbortController();
    const parts = { trials: searches.trials, files: searches.files, signal };
    const made = await finished(search, choice, parts);
    const input = inputOf(settings, made);
    const lineage = { search: { search_id, trial: choice.kind === 'stack' ? null : choice.trial.number } };
    const definition = versionOf(input, made, card, lineage);
    let registered: Registered | undefined;
    const joined: JoinedVersion = {
      check: async ({ tx }) => {
        searches.store.hold(tx, search_id);
        const another = await this.#known(search_id, name, modelId, tx);
        if (another) throw new RegisteredError(another);
      },
      write({ tx }, model_id, version) {
        registered = { model_id, version };
        searches.store.keepVersion(tx, search_id, name, registered);
      },
    };
    try {
      if (modelId !== undefined)
        await models.registry.addVersion(modelId, definition, made.bytes, null, joined);
      else
        await models.registry.create(
          { ...definition, ...modelOf(search, choice, input) },
          made.bytes,
          null,
          joined,
        );
      return registered!;
    } catch (error) {
      if (error instanceof RegisteredError) return error.registered;
      throw error;
    }
  }

  /** The version that the choice is already, unless it was deleted meanwhile. */
  async #known(
    searchId: string,
    name: string,
    modelId: string | undefined,
    tx?: Transaction,
  ): Promise<Registered | null> {
    const known = await this.#parts.searches.store.version(searchId, name, modelId, tx);
    if (!known) return null;
    const queries = tx ? new Queries(tx) : this.#parts.models.registry.store.queries;
    try {
      await queries.model(known.model_id);
      await queries.version(known.model_id, known.version);
      return known;
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
  }
}

/** Another process, or another request for any model, has registered the choice meanwhile. */
class RegisteredError extends ConflictError {
  readonly registered: Registered;

  constructor(registered: Registered) {
    super('Expected a choice that is no version, was registered meanwhile');
    this.registered = registered;
  }
}

const NO_FAMILY = { family: undefined, options: {} };

/** The model that a choice becomes where none is named. */
function modelOf(
  { settings }: SearchRow,
  choice: Choice,
  { features, target, steps }: Pick<TrainInput, 'features' | 'target' | 'steps'>,
) {
  // What trains it again by itself; a stack is no family.
  const { family, options } = choice.kind === 'trial' ? candidateOf(choice.trial.point, settings) : NO_FAMILY;
  return {
    model_type: settings.task,
    task: settings.task,
    ...(family !== undefined && { family }),
    options: { ...options },
    configuration: { training: { features, target, steps } },
    description: 'Made by a search over settings',
  };
}

/** The training that would have the rows of a finished choice: what its version says of them. */
function inputOf(settings: Settings, { features, test_fraction, report }: Finished): TrainInput {
  const { dataset_id, target, steps, missing, seed } = settings;
  return trainInput.parse({
    ...{ dataset_id, target, steps, missing, seed, features, test_fraction },
    ...{ model_id: '', family: report.family, options: {} },
  });
}

interface Registered {
  readonly model_id: string;
  readonly version: number;
}

function refused(expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected} for /choice`, [{ pointer: '/choice', expected }]);
}
