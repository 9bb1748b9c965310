// An engine for tests whose process some fills end: `bun test/support/poisoned-engine.ts`, as the supervisor starts one of the nine.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Elysia } from 'elysia';
import type { Envelope } from '../../src/bus/envelope.ts';
import { type BodyOf, topics } from '../../src/bus/topics.ts';
import { runEngineProcess } from '../../src/cli/engine-process.ts';
import type { EngineDefinition } from '../../src/http/engine.ts';

/** With a file of this name in the data folder no fill does harm any more. */
export const CURE = 'cured';

/** What fills of these ids do to the process that applies them. */
const POISONS: Readonly<Record<string, () => void | Promise<void>>> = {
  waits: () => new Promise(() => {}),
  spins: () => {
    for (;;);
  },
  crashes: () => void process.kill(process.pid, 'SIGSEGV'),
};

type Fill = BodyOf<typeof topics.fills>;

/** Notes each fill once. */
export const POISONED: EngineDefinition = {
  name: 'poisoned',
  port: 1,
  title: 'Poisoned',
  description: 'An engine of the tests.',
  migrations: ['CREATE TABLE fills (id TEXT NOT NULL);'],
  create: ({ database, config }) => ({
    routes: new Elysia().get('/fills', () => database.all('SELECT id FROM fills ORDER BY id')),
    participant: {
      consumes: [topics.fills],
      emits: [],
      process: async (batch, { tx }) => {
        for (const { body } of batch as readonly Envelope<Fill>[]) {
          if (!existsSync(join(config.dataDir, CURE))) await POISONS[body.fill_id]?.();
          tx.write('INSERT INTO fills (id) VALUES (?)', body.fill_id);
        }
      },
    },
  }),
};

if (import.meta.main) await runEngineProcess(POISONED.name, async () => POISONED);
