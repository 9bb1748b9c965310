// API keys in their file: what is kept, who may change it, what engines make of it.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from '../core/config.ts';
import { ConflictError, InvalidOptionError, NotFoundError } from '../core/errors.ts';
import { createLogTo } from '../core/log.ts';
import { addKey, allows, keysPath, ROLES, readKeys, revokeKey } from './api-keys.ts';
import { KeyRing, refuseOpenHost } from './key-ring.ts';
import { ensureLocalKey, localKeyPath, readLocalKey, writeLocalKey } from './local-key.ts';

let folder: string;
let config: Config;
const lines: string[] = [];
const log = createLogTo('test', 'info', (line) => lines.push(line));
const settings = (env: Record<string, string> = {}) => loadConfig({ NAUTILUS_DATA_DIR: folder, ...env });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  config = settings();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the file of keys', () => {
  test('keeps the hash of a key and never the key, readable by its owner only', () => {
    const { key, record } = addKey(config, 'me', 'trade');
    expect(key).toMatch(/^nk_[a-z0-9]{8}_[\w-]{43}$/);
    const text = readFileSync(keysPath(config), 'utf8');
    expect(text).not.toContain(key.slice('nk_12345678_'.length));
    expect(record.sha256).toBe(new Bun.CryptoHasher('sha256').update(key).digest('hex'));
    expect(statSync(keysPath(config)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['keys.json']);
    expect(readKeys(config)).toEqual([record]);
  });

  test('keeps a revoked key on record', () => {
    const { record } = addKey(config, 'me', 'read');
    expect(revokeKey(config, record.id).revoked_at).not.toBeNull();
    expect(readKeys(config).map((r) => r.revoked_at !== null)).toEqual([true]);
    expect(() => revokeKey(config, record.id)).toThrow(ConflictError);
    expect(() => revokeKey(config, 'zzzzzzzz')).toThrow(NotFoundError);
  });

  test.each([
    ['', 'read'],
    ['x'.repeat(65), 'read'],
    ['line\nbreak', 'read'],
    ['me', 'root'],
  ])('refuses the name %j with the role %s, and leaves nothing behind', (name, role) => {
    expect(() => addKey(config, name, role)).toThrow(InvalidOptionError);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('refuses a second change at the same time, and one of a file that is only to be read', () => {
    writeFileSync(`${keysPath(config)}.lock`, '');
    expect(() => addKey(config, 'me', 'read')).toThrow(/Another command/);
    const given = settings({ NAUTILUS_API_KEYS_FILE: join(folder, 'given.json') });
    expect(() => addKey(given, 'me', 'read')).toThrow(/NAUTILUS_API_KEYS_FILE/);
    expect(() => readKeys(given)).toThrow(/was none/);
  });

  test('is not believed when others may write it, or when it holds something else', () => {
    addKey(config, 'me', 'admin');
    chmodSync(keysPath(config), 0o622);
    expect(() => readKeys(config)).toThrow(/chmod 600/);
    chmodSync(keysPath(config), 0o600);
    for (const text of ['', '{}', '{"version":1,"keys":[{"id":"x"}]}']) {
      writeFileSync(keysPath(config), text);
      expect(() => readKeys(config)).toThrow(InvalidOptionError);
    }
  });
});

describe('key ring', () => {
  test('asks for no key on loopback until there is one, and goes on asking after its end', () => {
    let now = 1e9;
    const ring = new KeyRing(config, log);
    const look = () => {
      now += 1000;
      ring.refresh(now);
    };
    expect(ring.enforced).toBe(false);
    const { key, record } = addKey(config, 'me', 'trade');
    look();
    expect([ring.enforced, ring.identify(key)]).toEqual([true, { id: record.id, name: 'me', role: 'trade' }]);
    const before = ring.generation;
    revokeKey(config, record.id);
    look();
    expect([ring.enforced, ring.identify(key), ring.has(record.id)]).toEqual([true, null, false]);
    expect(ring.generation).toBe(before + 1);
    rmSync(keysPath(config));
    look();
    expect(ring.enforced).toBe(false);
  });

  test('looks at the files at most twice a second', () => {
    const ring = new KeyRing(config, log);
    ring.refresh(1e9);
    addKey(config, 'me', 'read');
    ring.refresh(1e9 + 499);
    expect(ring.enforced).toBe(false);
    ring.refresh(1e9 + 500);
    expect(ring.enforced).toBe(true);
  });

  test('tells keys apart by every character', () => {
    const { key } = addKey(config, 'me', 'read');
    const ring = new KeyRing(config, log);
    const other = (i: number) => key.slice(0, i) + (key[i] === 'a' ? 'b' : 'a') + key.slice(i + 1);
    for (let i = 0; i < key.length; i++) expect(ring.identify(other(i))).toBeNull();
    for (const text of ['', key.slice(0, -1), `${key}a`, ` ${key}`, 'nk_', 'constructor'])
      expect(ring.identify(text)).toBeNull();
    expect(ring.identify(key)).not.toBeNull();
  });

  test('refuses everything but the local key while the file cannot be used, and says so once', () => {
    const { key } = addKey(config, 'me', 'admin');
    writeLocalKey(folder);
    chmodSync(keysPath(config), 0o666);
    lines.length = 0;
    const ring = new KeyRing(config, log);
    ring.refresh(1e9);
    expect([ring.enforced, ring.identify(key)]).toEqual([true, null]);
    expect(ring.identify(readLocalKey(folder)!)).toMatchObject({ id: 'local', role: 'admin' });
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('chmod 600');
  });

  test('always asks when told to, and where others can reach the engine', () => {
    expect(new KeyRing(settings({ NAUTILUS_AUTH: 'required' }), log).enforced).toBe(true);
    expect(new KeyRing(settings({ NAUTILUS_HOST: '0.0.0.0' }), log).enforced).toBe(true);
  });
});

test('an address beyond this machine needs a valid admin key first, and the refusal says how to make one', () => {
  const open = settings({ NAUTILUS_HOST: '192.0.2.1' });
  const refused = /NAUTILUS_HOST.*nautilus keys add --name me --role admin/;
  expect(() => refuseOpenHost(open)).toThrow(refused);
  addKey(config, 'reader', 'read');
  expect(() => refuseOpenHost(open)).toThrow(refused);
  const { record } = addKey(config, 'me', 'admin');
  expect(() => refuseOpenHost(open)).not.toThrow();
  revokeKey(config, record.id);
  expect(() => refuseOpenHost(open)).toThrow(refused);
  expect(() => refuseOpenHost(config)).not.toThrow();
});

test('the local key is its own, private, new at each start, and not taken from a running system', () => {
  writeLocalKey(folder);
  const first = readLocalKey(folder)!;
  expect(statSync(localKeyPath(folder)).mode & 0o777).toBe(0o600);
  writeLocalKey(folder);
  expect(readLocalKey(folder)).not.toBe(first);
  ensureLocalKey(folder)();
  expect(existsSync(localKeyPath(folder))).toBe(true);
  chmodSync(localKeyPath(folder), 0o644);
  expect(readLocalKey(folder)).toBeUndefined();
  rmSync(localKeyPath(folder));
  const forget = ensureLocalKey(folder);
  expect(readLocalKey(folder)).toBeDefined();
  forget();
  expect(existsSync(localKeyPath(folder))).toBe(false);
});

test('each role may do what those before it may', () => {
  const table = ROLES.map((role) => ROLES.map((needed) => allows(role, needed)));
  expect(table).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
});
