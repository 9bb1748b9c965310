// Which models have served the stream, in the engine's database, and the event that tells of each change.
import { topics } from '../../src/bus/topics.ts';
import type { Unit } from '../../src/bus/unit.ts';
import { StorageUnavailableError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import type { ServedCard } from './model-source.ts';

/** A model that serves, or served, the stream. */
export interface Deployment {
  readonly seq: number;
  readonly model_id: string;
  readonly model_version: string;
  readonly artefact_sha256: string;
  /** What served before; null for the first. */
  readonly previous_version: string | null;
  /** When it began to serve, in microseconds since the epoch. */
  readonly since_us: number;
}

const COLUMNS = 'seq, model_id, model_version, artefact_sha256, previous_version, since_us';
const RETRY_MS = 1000;

/** The list of deployments. */
export class Deployments {
  readonly #context: EngineContext;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /** Records and tells that `card` serves the stream, unless it is the one that was told last. Predictions never wait for it. */
  note(card: ServedCard): void {
    const { units, log } = this.#context;
    units
      .run((unit) => this.#change(unit, card))
      .catch((err) => {
        if (this.#stopped) return;
        log.warn({ err, model_id: card.model_id }, 'the deployment is not recorded yet');
        if (err instanceof StorageUnavailableError) {
          this.#retry = setTimeout(() => this.note(card), RETRY_MS);
        }
      });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  /** Newest first; `before` is the `seq` of the last one of the page before. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): Promise<Deployment[]> {
    return this.#context.database.all<Deployment>(
      `SELECT ${COLUMNS} FROM deployments WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
      before,
      limit,
    );
  }

  async #change(unit: Unit, { model_id, version, artefact }: ServedCard): Promise<void> {
    const { tx } = unit;
    // Processes of one engine take turns here.
    const serving = await tx.get<{ seq: number }>(
      `INSERT INTO serving (name, seq) VALUES ('stream', 0)
       ON CONFLICT (name) DO UPDATE SET seq = serving.seq RETURNING seq`,
    );
    const last = await tx.get<Deployment>(`SELECT ${COLUMNS} FROM deployments WHERE seq = ?`, serving!.seq);
    const deployed = { model_id, model_version: version, artefact_sha256: artefact.sha256 };
    if (last && isSame(last, deployed)) return;
    const previous_version = last?.model_version ?? null;
    const seq = serving!.seq + 1;
    tx.write('UPDATE serving SET seq = ?', seq);
    tx.write(
      `INSERT INTO deployments (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`,
      seq,
      model_id,
      version,
      artefact.sha256,
      previous_version,
      this.#context.clock.nowUs(),
    );
    unit.publish(topics.modelDeployments, { ...deployed, previous_version });
  }
}

function isSame(a: Deployment, b: Pick<Deployment, 'model_id' | 'model_version' | 'artefact_sha256'>) {
  return (
    a.model_id === b.model_id &&
    a.model_version === b.model_version &&
    a.artefact_sha256 === b.artefact_sha256
  );
}
