// `nautilus keys`: makes, lists and ends the API keys of the data folder.
import { loadConfig } from '../../core/config.ts';
import { addKey, type KeyRecord, keysPath, readKeys, revokeKey } from '../../http/api-keys.ts';
import { table } from '../output.ts';

interface Output {
  readonly json?: boolean;
}

/** Makes a key and prints it, the only time it can be seen. */
export function keysAdd(options: Output & { readonly name: string; readonly role: string }): number {
  const { key, record } = addKey(loadConfig(), options.name, options.role);
  if (options.json) console.log(JSON.stringify({ key, ...listed(record) }, null, 2));
  else {
    console.log(key);
    console.error(
      `This is the only time that the key of "${record.name}" (${record.role}) is shown: only its hash is kept.\nEnd it with \`bun run nautilus keys revoke ${record.id}\`. From now on every request needs a key.`,
    );
  }
  return 0;
}

/** Prints every key but for its secret, revoked ones too. */
export function keysList(options: Output): number {
  const config = loadConfig();
  const records = readKeys(config);
  if (options.json) console.log(JSON.stringify({ keys: records.map(listed) }, null, 2));
  else if (records.length === 0) console.log(`No API keys in ${keysPath(config)}.`);
  else {
    const rows = records.map((r) => [r.id, r.name, r.role, r.created_at, r.revoked_at ?? '-']);
    console.log(table([['ID', 'NAME', 'ROLE', 'CREATED', 'REVOKED'], ...rows]));
  }
  return 0;
}

/** Ends a key. */
export function keysRevoke(id: string): number {
  const config = loadConfig();
  const { name } = revokeKey(config, id);
  console.log(`Revoked ${id} ("${name}"): running engines refuse it within a second.`);
  if (readKeys(config).every((r) => r.revoked_at !== null)) {
    console.log(
      `No valid key is left, and keys are still asked for. To go without keys again, remove ${keysPath(config)}.`,
    );
  }
  return 0;
}

function listed({ sha256: _hash, ...record }: KeyRecord) {
  return record;
}
