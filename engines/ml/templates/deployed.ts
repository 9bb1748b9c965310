// Which model is deployed for a symbol, remembered until a model changes, so that a prediction asks no database.

/** Asks the registry: type, tag of the symbol, tag of the horizon. */
type Ask = (type: string, symbolTag: string, horizonTag: string) => Promise<string | null>;

/** Answers remembered; more are forgotten all at once. */
const MAX_REMEMBERED = 10_000;

/** Remembers what the registry said. */
export class DeployedModels {
  readonly #ask: Ask;
  readonly #known = new Map<string, Promise<string | null>>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Returns the id of the model of a type for a symbol and a horizon; null where there is none. Throws what the database throws, and then remembers nothing. */
  find(type: string, symbolTag: string, horizonTag: string): Promise<string | null> {
    const key = `${type} ${symbolTag} ${horizonTag}`;
    const known = this.#known.get(key);
    if (known) return known;
    const asked = this.#ask(type, symbolTag, horizonTag);
    if (this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    this.#known.set(key, asked);
    asked.catch(() => this.#known.get(key) === asked && this.#known.delete(key));
    return asked;
  }

  /** Asks again from now on: a model was deployed, taken back, tagged or deleted. */
  forget(): void {
    this.#known.clear();
  }
}
