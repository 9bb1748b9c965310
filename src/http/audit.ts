// The audit log of one engine: a line for each request that changes something, appended before the reply leaves.
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../core/log.ts';

/** One line; bodies and queries are never part of it. */
export interface AuditEntry {
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly engine: string;
  /** Id of the key; `local` for commands on the data folder and for a system without keys. */
  readonly key_id: string;
  readonly key_name: string;
  readonly method: string;
  /** Pattern of the route. */
  readonly route: string;
  readonly status: number;
  readonly request_id: string;
}

/** Bytes after which a new file begins, and how many full ones are kept. */
export interface AuditRotation {
  readonly bytes: number;
  readonly kept: number;
}

export const AUDIT_ROTATION: AuditRotation = { bytes: 64 * 2 ** 20, kept: 16 };

/** Appends to `<folder>/<engine>.jsonl`; full files become `<engine>.<time>.jsonl`, of which the newest are kept. */
export class AuditLog {
  readonly #folder: string;
  readonly #engine: string;
  readonly #log: Log;
  readonly #rotation: AuditRotation;
  #file: number | undefined;
  #size = 0;
  #failing = false;
  /** Lines that could not be written since start. */
  failures = 0;

  constructor(dataDir: string, engine: string, log: Log, rotation: AuditRotation = AUDIT_ROTATION) {
    this.#folder = join(dataDir, 'audit');
    this.#engine = engine;
    this.#log = log;
    this.#rotation = rotation;
  }

  /** Writes one line. A line that cannot be written is counted; the request goes on. */
  append(entry: AuditEntry): void {
    try {
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      this.#file ??= this.#open();
      if (this.#size > 0 && this.#size + line.length > this.#rotation.bytes) {
        this.#rotate();
        this.#file = this.#open();
      }
      this.#size += writeSync(this.#file, line);
      this.#failing = false;
    } catch (err) {
      this.failures++;
      // Once for a row of failures: a full disk must not fill the log as well.
      if (!this.#failing) this.#log.error({ err }, 'the audit log cannot be written');
      this.#failing = true;
      this.close();
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): number {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const file = openSync(join(this.#folder, `${this.#engine}.jsonl`), 'a', 0o600);
    this.#size = fstatSync(file).size;
    return file;
  }

  // Names sort by time: within one millisecond a number goes on where the newest file ended.
  #rotate(): void {
    this.close();
    const current = `${this.#engine}.jsonl`;
    const full = readdirSync(this.#folder)
      .filter((name) => name.startsWith(`${this.#engine}.`) && name !== current)
      .sort();
    const stamp = new Date().toISOString().replace(/[:.]/g, '-');
    const nameOf = (n: number) => `${this.#engine}.${stamp}-${String(n).padStart(4, '0')}.jsonl`;
    let n = 0;
    while (nameOf(n) <= (full.at(-1) ?? '')) n++;
    renameSync(join(this.#folder, current), join(this.#folder, nameOf(n)));
    full.push(nameOf(n));
    for (const name of full.slice(0, -this.#rotation.kept)) rmSync(join(this.#folder, name));
  }
}
