// The keys that an engine knows right now: follows the file of keys and the key of the running system.
import { statSync } from 'node:fs';
import type { Config } from '../core/config.ts';
import { InvalidOptionError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { hashKey, keyIdOf, keysPath, matchesHash, type Role, readKeys } from './api-keys.ts';
import { localKeyPath, readLocalKey } from './local-key.ts';

/** Who sends a request. */
export interface Identity {
  /** Id of the key; `local` for commands on the same data folder. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

interface Known {
  readonly identity: Identity;
  readonly hash: Buffer;
}

// Changes count within a second: of a request, and of the tick that looks after open sockets.
const LOOK_MS = 500;

/** Keys by id, read again when a file changes. */
export class KeyRing {
  readonly #config: Config;
  readonly #log: Log;
  readonly #known = new Map<string, Known>();
  #seen = '';
  #lookedMs = Number.NEGATIVE_INFINITY;
  #enforced = true;
  #generation = 0;

  constructor(config: Config, log: Log) {
    this.#config = config;
    this.#log = log;
    this.refresh(performance.now());
  }

  /** Whether requests need a key. A key that was revoked keeps this true, and so does a file that cannot be read. */
  get enforced(): boolean {
    return this.#enforced;
  }

  /** How often the keys were read: another number means other keys. */
  get generation(): number {
    return this.#generation;
  }

  /** Reads changed files, at most twice a second. */
  refresh(nowMs: number): void {
    if (nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    const seen = signature(keysPath(this.#config)) + signature(localKeyPath(this.#config.dataDir));
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#read();
    this.#generation++;
  }

  /** Returns who has this key; null for text of another form, an unknown key and a revoked one. */
  identify(key: string): Identity | null {
    const id = keyIdOf(key);
    // Whether an id exists is no secret: it is in lists and logs. The secret part is compared in constant time.
    const known = id === null ? undefined : this.#known.get(id);
    return known && matchesHash(key, known.hash) ? known.identity : null;
  }

  /** Whether a key of this id is valid. */
  has(id: string): boolean {
    return this.#known.has(id);
  }

  #read(): void {
    const { auth, loopback, dataDir } = this.#config;
    this.#known.clear();
    const local = readLocalKey(dataDir);
    if (local && keyIdOf(local) === 'local') {
      const identity: Identity = { id: 'local', name: 'local', role: 'admin' };
      this.#known.set('local', { identity, hash: hashKey(local) });
    }
    this.#enforced = true;
    try {
      const records = readKeys(this.#config);
      for (const { id, name, role, sha256, revoked_at } of records) {
        if (revoked_at !== null) continue;
        this.#known.set(id, { identity: { id, name, role }, hash: Buffer.from(sha256, 'hex') });
      }
      this.#enforced = auth === 'required' || !loopback || records.length > 0;
    } catch (err) {
      this.#log.error({ err }, 'the file of API keys cannot be used: every request but health is refused');
    }
  }
}

/**
 * Throws {@link InvalidOptionError} for an address that others can reach while there is no key with the role admin, with
 * the command that makes one.
 */
export function refuseOpenHost(config: Config): void {
  if (config.loopback || readKeys(config).some((r) => r.role === 'admin' && r.revoked_at === null)) return;
  throw new InvalidOptionError(
    `Expected a loopback address such as 127.0.0.1 for NAUTILUS_HOST as long as there is no API key with the role admin: make one with \`bun run nautilus keys add --name me --role admin\``,
  );
}

function signature(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.mode};` : '-;';
}
