// Small parts of the command line, and that the list of engines tells the truth.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics } from '../bus/topics.ts';
import { loadConfig } from '../core/config.ts';
import { isolation } from './commands/replay.ts';
import { ENGINE_NAMES, ENGINES, entryOf, portOf } from './engines.ts';
import { duration, table } from './output.ts';
import { hubSocketPath, type RunFile, readRunFile, removeRunFile, writeRunFile } from './run-file.ts';

describe('the list of engines', () => {
  test('has the nine published names and ports', async () => {
    const definitions = await Promise.all(ENGINES.map((e) => e.load()));
    expect(definitions.map((d) => d.name)).toEqual([...ENGINE_NAMES]);
    expect(Object.fromEntries(definitions.map((d) => [d.name, d.port]))).toEqual({
      analytics: 8100,
      risk: 8200,
      factor: 8300,
      ml: 8400,
      features: 8500,
      websocket: 8600,
      strategy: 8700,
      marketdata: 8800,
      portfolio: 8900,
    });
  });

  test('says of each port and of replicas what the definition says', async () => {
    for (const entry of ENGINES) {
      const { port, replicas } = await entry.load();
      expect([entry.name, entry.port, entry.replicas ?? false]).toEqual([
        entry.name,
        port,
        replicas !== undefined,
      ]);
    }
  });

  test('puts the ml engine on the port that ML_ENGINE_PORT says, unless another engine has it', () => {
    const port = (name: string, env: Record<string, string>) => portOf(entryOf(name), loadConfig(env));
    expect([port('ml', {}), port('risk', {})]).toEqual([8400, 8200]);
    expect(port('ml', { NAUTILUS_PORTS: 'free' })).toBe(0);
    const own = { ML_ENGINE_PORT: '18400' };
    expect([port('ml', own), port('ml', { ...own, NAUTILUS_PORTS: 'free' }), port('risk', own)]).toEqual([
      18_400, 18_400, 8200,
    ]);
    expect(() => port('ml', { ML_ENGINE_PORT: '8200' })).toThrow('that of risk');
    expect(port('ml', { ML_ENGINE_PORT: '8200', NAUTILUS_PORTS: 'free' })).toBe(8200);
  });

  test('puts the engines of a replay on free ports, also where ML_ENGINE_PORT is set for those that run', () => {
    const config = loadConfig({ ML_ENGINE_PORT: '8400', ...isolation('/nowhere') });
    expect(ENGINES.map((entry) => portOf(entry, config))).toEqual(ENGINES.map(() => 0));
  });

  test('owns every topic of the catalogue', () => {
    const owners = new Set(Object.values(topics).map((t) => t.owner));
    for (const owner of owners) expect([...ENGINE_NAMES, 'supervisor', '*']).toContain(owner);
  });
});

describe('run file', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'run-'));
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
  const state: RunFile = { pid: process.pid, version: '1', started_at: 'now', bus: 'hub', engines: [] };

  test('is found while its process lives, and ignored when it is dead, broken or gone', () => {
    expect(readRunFile(dataDir)).toBeNull();
    writeRunFile(dataDir, state);
    expect(readRunFile(dataDir)).toEqual(state);
    writeRunFile(dataDir, { ...state, pid: 2 ** 22 + 1 });
    expect(readRunFile(dataDir)).toBeNull();
    writeFileSync(join(dataDir, 'run', 'supervisor.json'), '{half');
    expect(readRunFile(dataDir)).toBeNull();
    removeRunFile(dataDir);
    expect(readRunFile(dataDir)).toBeNull();
  });

  test('keeps the path of the socket within what systems allow', () => {
    expect(hubSocketPath('/data')).toBe('/data/run/hub.sock');
    const deep = `/${'folder/'.repeat(30)}`;
    expect(hubSocketPath(deep).length).toBeLessThan(100);
    expect(hubSocketPath(deep)).not.toBe(hubSocketPath(`${deep}other`));
  });
});

test('prints aligned tables and durations', () => {
  expect(
    table([
      ['A', 'LONG'],
      ['value', 'x'],
    ]),
  ).toBe('A      LONG\nvalue  x');
  expect([duration(1.24), duration(65), duration(7500)]).toEqual(['1.2 s', '1 min 5 s', '2 h 5 min']);
});
