// Secrets: where they come from, and that they do not get into logs.
import { afterAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secret } from './config.ts';
import { createLogTo } from './log.ts';
import { redact, SECRET_FIELDS } from './redact.ts';

const folder = mkdtempSync(join(tmpdir(), 'secret-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (text: string, mode: number) => {
  const path = join(folder, `${mode}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

describe('a secret', () => {
  test('comes from its variable or from its file, without the white space around it', () => {
    expect(secret('X', { X: 'value' })).toBe('value');
    expect(secret('X', { X_FILE: file(' value\n', 0o600) })).toBe('value');
    expect(secret('X', { X: '', X_FILE: '' })).toBeUndefined();
  });

  test('is refused in words that do not hold it: from two places, from no file, from one that others read', () => {
    const path = file('value', 0o640);
    expect(() => secret('X', { X: 'value', X_FILE: path })).toThrow('Expected one of X and X_FILE, was both');
    expect(() => secret('X', { X_FILE: join(folder, 'none') })).toThrow(/X_FILE.*ENOENT/);
    expect(() => secret('X', { X_FILE: path })).toThrow(`chmod 600 ${path}`);
    expect(() => secret('X', { X_FILE: file('\n', 0o400) })).toThrow(/was empty/);
  });
});

describe('redaction', () => {
  const key = `nk_abcd2345_${'Ab-_'.repeat(10)}xyz`;

  test('keeps the id of a key and the rest of a URL', () => {
    expect(redact(`with ${key}, twice "${key}"`)).toBe(
      'with nk_abcd2345_[redacted], twice "nk_abcd2345_[redacted]"',
    );
    expect(redact('rediss://user:p%40ss@host:6380/0 and https://host/a@b')).toBe(
      'rediss://[redacted]@host:6380/0 and https://host/a@b',
    );
    expect(redact('postgres://me@host "postgres://:pw@host"')).toBe(
      'postgres://[redacted]@host "postgres://[redacted]@host"',
    );
  });

  test('covers every line of a log: fields by name, messages, errors with their stacks', () => {
    let line = '';
    const log = createLogTo('x', 'info', (text) => {
      line = text;
    });
    for (const name of SECRET_FIELDS) {
      log.info({ [name]: 'hush', headers: { [name]: 'hush' }, req: { headers: { [name]: 'hush' } } }, 'm');
      expect([name, line.includes('hush'), line.includes('[redacted]')]).toEqual([name, false, true]);
    }
    log.child({ about: key }).error({ err: new Error(`no reply from redis://me:hush@host, ${key}`) }, key);
    expect(line).not.toContain('hush');
    expect(line).not.toContain('Ab-_');
    expect(() => JSON.parse(line)).not.toThrow();
  });
});
