// API keys: their form, the file that keeps them hashed, the changes that `nautilus keys` makes to it.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../core/config.ts';
import { ConflictError, InvalidOptionError, NotFoundError } from '../core/errors.ts';

/** What a key may do, from least to most; each role may do what those before it may. */
export const ROLES = ['read', 'trade', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether `role` may do what needs `needed`. */
export function allows(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

const recordSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{8}$/),
  name: z.string().regex(/^[^\p{Cc}]{1,64}$/u),
  role: z.enum(ROLES),
  /** Of the whole key, in lower-case hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});
const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(recordSchema) });

/** One key as it is kept: everything but the key. A revoked one stays on record, so that its end is not forgotten. */
export type KeyRecord = z.infer<typeof recordSchema>;

type Place = Pick<Config, 'dataDir' | 'apiKeysFile'>;

const KEY = /^nk_(local|[a-z0-9]{8})_[\w-]{43}$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/** Path of the file of keys: NAUTILUS_API_KEYS_FILE, or keys.json in the data folder. */
export function keysPath({ dataDir, apiKeysFile }: Place): string {
  return apiKeysFile ?? join(dataDir, 'keys.json');
}

/** Returns the id in a text that has the form of a key, else null. */
export function keyIdOf(text: string): string | null {
  return KEY.exec(text)?.[1] ?? null;
}

/**
 * Returns the hash that is kept of a key. One round of SHA-256 without salt is enough here: a key holds 256 random bits,
 * so that nobody can try them out or list them beforehand, which is what slow, salted hashes of passwords are for; and
 * every request pays for it.
 */
export function hashKey(key: string): Buffer {
  return new Bun.CryptoHasher('sha256').update(key).digest();
}

/** Whether a key has this hash; takes the same time wherever they differ. */
export function matchesHash(key: string, hash: Buffer): boolean {
  return timingSafeEqual(hashKey(key), hash);
}

/** Returns a new key `nk_<id>_<secret>` with 256 random bits. */
export function makeKey(id: string): string {
  return `nk_${id}_${randomBytes(32).toString('base64url')}`;
}

/**
 * Returns all records, also of revoked keys; none when there is no file. Throws {@link InvalidOptionError} when the file
 * is none of ours, or when others than its owner may write it: they could give themselves a key.
 */
export function readKeys(place: Place): KeyRecord[] {
  const path = keysPath(place);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) {
    // A file that was asked for and is not there must not open the system.
    if (place.apiKeysFile !== undefined)
      throw new InvalidOptionError(`Expected a file of API keys at ${path}, was none`);
    return [];
  }
  if ((stat.mode & 0o022) !== 0) {
    throw new InvalidOptionError(`Expected only the owner to write ${path}: chmod 600 ${path}`);
  }
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).keys;
  } catch {
    throw new InvalidOptionError(
      `Expected a file of API keys as \`nautilus keys\` writes it, was not: ${path}`,
    );
  }
}

/** Makes a key and keeps its hash. The key is in the reply only. Throws InvalidOptionError for a bad name or role. */
export function addKey(place: Place, name: string, role: string): { key: string; record: KeyRecord } {
  return change(place, (records) => {
    let id = newKeyId();
    while (records.some((r) => r.id === id)) id = newKeyId();
    const key = makeKey(id);
    const parsed = recordSchema.safeParse({
      id,
      name,
      role,
      sha256: hashKey(key).toString('hex'),
      created_at: new Date().toISOString(),
      revoked_at: null,
    });
    if (!parsed.success) {
      throw new InvalidOptionError(`Expected a name of 1 to 64 characters and a role of ${ROLES.join(', ')}`);
    }
    return { records: [...records, parsed.data], reply: { key, record: parsed.data } };
  });
}

/** Ends a key; engines refuse it within a second. Throws NotFoundError for an unknown id, ConflictError when it has ended. */
export function revokeKey(place: Place, id: string): KeyRecord {
  return change(place, (records) => {
    const found = records.find((r) => r.id === id);
    if (!found) throw new NotFoundError(`No API key ${id}: see \`nautilus keys list\``);
    if (found.revoked_at !== null) throw new ConflictError(`The API key ${id} is revoked already`);
    const revoked = { ...found, revoked_at: new Date().toISOString() };
    return { records: records.map((r) => (r === found ? revoked : r)), reply: revoked };
  });
}

/** Writes a file that only its owner may read, whole or not at all. Throws with code EEXIST while another writes it. */
export function writePrivately(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function newKeyId(): string {
  return Array.from(randomBytes(8), (byte) => LETTERS[byte % LETTERS.length]).join('');
}

function change<Reply>(
  place: Place,
  edit: (records: readonly KeyRecord[]) => { records: KeyRecord[]; reply: Reply },
): Reply {
  const path = keysPath(place);
  if (place.apiKeysFile !== undefined) {
    throw new ConflictError(
      `Keys come from NAUTILUS_API_KEYS_FILE (${path}), which is never written: unset it, make keys in a data folder, and copy its keys.json`,
    );
  }
  // The lock comes before the reading, so that two commands at once cannot lose each other's change.
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    closeSync(openSync(lock, 'wx', 0o600));
  } catch {
    throw new ConflictError(`Another command changes ${path}: try again, or remove ${lock} if none runs`);
  }
  try {
    const { records, reply } = edit(readKeys(place));
    rmSync(`${path}.tmp`, { force: true });
    writePrivately(path, `${JSON.stringify({ version: 1, keys: records }, null, 2)}\n`);
    chmodSync(path, 0o600);
    return reply;
  } finally {
    rmSync(lock, { force: true });
  }
}
