// The nine engines, in the order of the published table: the only list of them in the program.
import type { Config } from '../core/config.ts';
import { InvalidOptionError, InvariantError } from '../core/errors.ts';
import type { EngineDefinition } from '../http/engine.ts';

interface EngineEntry {
  readonly name: string;
  /** Published port, as in its definition. */
  readonly port: number;
  /** Whether its definition allows replicas. */
  readonly replicas?: true;
  readonly load: () => Promise<EngineDefinition>;
}

/**
 * Each engine's name, what the supervisor must know of it, and how to load it; loading is lazy, since a process runs one engine and
 * the supervisor none.
 */
export const ENGINES: readonly EngineEntry[] = [
  {
    name: 'analytics',
    port: 8100,
    replicas: true,
    load: async () => (await import('../../engines/analytics/index.ts')).default,
  },
  { name: 'risk', port: 8200, load: async () => (await import('../../engines/risk/index.ts')).default },
  { name: 'factor', port: 8300, load: async () => (await import('../../engines/factor/index.ts')).default },
  { name: 'ml', port: 8400, load: async () => (await import('../../engines/ml/index.ts')).default },
  {
    name: 'features',
    port: 8500,
    load: async () => (await import('../../engines/features/index.ts')).default,
  },
  {
    name: 'websocket',
    port: 8600,
    load: async () => (await import('../../engines/websocket/index.ts')).default,
  },
  {
    name: 'strategy',
    port: 8700,
    load: async () => (await import('../../engines/strategy/index.ts')).default,
  },
  {
    name: 'marketdata',
    port: 8800,
    load: async () => (await import('../../engines/marketdata/index.ts')).default,
  },
  {
    name: 'portfolio',
    port: 8900,
    load: async () => (await import('../../engines/portfolio/index.ts')).default,
  },
];

/** Names of all engines. */
export const ENGINE_NAMES: readonly string[] = ENGINES.map((e) => e.name);

/** Returns the entry of an engine. Throws InvariantError when there is none of this name. */
export function entryOf(name: string): EngineEntry {
  const entry = ENGINES.find((e) => e.name === name);
  if (!entry) throw new InvariantError(`no engine ${name}`);
  return entry;
}

/** Returns the definition of an engine; undefined when there is none of this name. */
export async function loadEngine(name: string): Promise<EngineDefinition | undefined> {
  return ENGINES.find((e) => e.name === name)?.load();
}

/**
 * Returns the port that an engine listens on, 0 for any free one. Throws InvalidOptionError when ML_ENGINE_PORT is the port of
 * another engine.
 */
export function portOf(
  { name, port }: Pick<EngineDefinition, 'name' | 'port'>,
  { ports, serving }: Pick<Config, 'ports' | 'serving'>,
): number {
  const own = name === 'ml' ? serving.port : undefined;
  if (own === undefined) return ports === 'free' ? 0 : port;
  const other = ENGINES.find((e) => e.port === own && e.name !== name);
  if (other && ports === 'published')
    throw new InvalidOptionError(
      `Expected ML_ENGINE_PORT to be the port of no other engine, was that of ${other.name}`,
    );
  return own;
}
