// The audit log: what a line holds, when a new file begins, what a failure does.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogTo } from '../core/log.ts';
import { type AuditEntry, AuditLog } from './audit.ts';

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const lines: string[] = [];
const log = createLogTo('test', 'info', (line) => lines.push(line));
const entry = (request_id: string): AuditEntry => ({
  time: '2026-01-01T00:00:00.000Z',
  engine: 'risk',
  key_id: 'local',
  key_name: 'local',
  method: 'PUT',
  route: '/limits/:portfolio_id',
  status: 200,
  request_id,
});

test('appends over restarts, begins a new file when one is full, and keeps the newest full ones', () => {
  const rotation = { bytes: 400, kept: 3 };
  for (let i = 0; i < 12; i++) {
    const audit = new AuditLog(folder, 'risk', log, rotation);
    audit.append(entry(`a${i}`));
    audit.append(entry(`b${i}`));
    audit.close();
  }
  new AuditLog(folder, 'ml', log, rotation).append(entry('other'));
  const files = readdirSync(join(folder, 'audit')).filter((name) => name.startsWith('risk'));
  expect(files.length).toBe(4);
  const text = (name: string) => readFileSync(join(folder, 'audit', name), 'utf8');
  const ids = files
    .sort((a, b) => (a === 'risk.jsonl' ? 1 : b === 'risk.jsonl' ? -1 : a < b ? -1 : 1))
    .flatMap((name) => text(name).trim().split('\n'))
    .map((line) => (JSON.parse(line) as AuditEntry).request_id);
  expect(ids).toEqual(['a8', 'b8', 'a9', 'b9', 'a10', 'b10', 'a11', 'b11']);
  for (const name of files) {
    const { size, mode } = statSync(join(folder, 'audit', name));
    expect(size).toBeLessThanOrEqual(400);
    expect(mode & 0o777).toBe(0o600);
  }
});

test('counts lines that it cannot write, says so once, and goes on when it can again', () => {
  const dataDir = join(folder, 'broken');
  writeFileSync(dataDir, 'no folder');
  const audit = new AuditLog(dataDir, 'risk', log);
  for (let i = 0; i < 3; i++) audit.append(entry('x'));
  expect([audit.failures, lines.length]).toEqual([3, 1]);
  rmSync(dataDir);
  audit.append(entry('y'));
  audit.close();
  expect(audit.failures).toBe(3);
  expect(readFileSync(join(dataDir, 'audit', 'risk.jsonl'), 'utf8')).toContain('"y"');
});
