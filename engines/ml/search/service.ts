// What the routes of searches ask for.
import type { EngineContext } from '../../../src/http/engine.ts';
import type { DatasetStore } from '../datasets/store.ts';
import type { ModelsService } from '../registry/service.ts';
import { SearchDeployer } from './deploy.ts';
import { TrialReader } from './reader.ts';
import type { SearchKind } from './records.ts';
import { resultsOf, statusOf } from './replies.ts';
import { resolveAutoml, resolveHyperopt } from './resolve.ts';
import {
  type AutomlRequest,
  type DeploySearchRequest,
  deployRequest,
  type HyperoptRequest,
} from './schemas.ts';
import { Searches } from './search.ts';

/** State of the routes of searches. */
export class SearchService {
  readonly searches: Searches;
  readonly #context: EngineContext;
  readonly #datasets: DatasetStore;
  readonly #deployer: SearchDeployer;
  readonly #reader: TrialReader;

  constructor(context: EngineContext, models: ModelsService, datasets: DatasetStore) {
    this.#context = context;
    this.#datasets = datasets;
    this.searches = new Searches(context);
    this.#reader = new TrialReader(this.searches.store);
    this.#deployer = new SearchDeployer({ searches: this.searches, models, datasets });
  }

  /** Throws what `resolveAutoml` and `Searches.add` throw. */
  async startAutoml(request: AutomlRequest) {
    return this.searches.add('automl', await resolveAutoml(request, this.#parts));
  }

  /** Throws what `resolveHyperopt` and `Searches.add` throw. */
  async startHyperopt(request: HyperoptRequest) {
    return this.searches.add('hyperopt', await resolveHyperopt(request, this.#parts));
  }

  /** Throws NotFoundError. */
  async status(id: string) {
    const { store } = this.searches;
    const search = await store.get(id);
    return statusOf(search, await this.#reader.read(id), this.#context.clock.nowUs());
  }

  /** Throws NotFoundError. */
  async results(id: string, page: { readonly limit: number; readonly offset: number }) {
    const { store } = this.searches;
    const search = await store.get(id);
    const trials = await this.#reader.read(id);
    return resultsOf(search, trials, await store.result(id), page, this.#context.clock.nowUs());
  }

  /** Throws what `SearchDeployer.deploy` throws. */
  deploy(id: string, request: DeploySearchRequest = deployRequest.parse({})) {
    return this.#deployer.deploy(id, request);
  }

  async list({
    kind,
    limit,
    cursor,
  }: {
    readonly kind?: SearchKind | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }) {
    const { store } = this.searches;
    const now = this.#context.clock.nowUs();
    const rows = await store.list(kind, limit, cursor);
    const searches = await Promise.all(
      rows.map(async (search) => statusOf(search, await this.#reader.read(search.search_id), now)),
    );
    return { searches, next_cursor: rows.length === limit ? rows.at(-1)!.search_id : null };
  }

  get #parts() {
    return { datasets: this.#datasets, config: this.#context.config };
  }
}
