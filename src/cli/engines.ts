// The nine engines, in the order of the published table: the only list of them in the program.
import type { EngineDefinition } from '../http/engine.ts';

interface EngineEntry {
  readonly name: string;
  readonly load: () => Promise<EngineDefinition>;
}

/** Each engine's name and how to load it; loading is lazy, since a process runs one engine and the supervisor none. */
export const ENGINES: readonly EngineEntry[] = [
  { name: 'analytics', load: async () => (await import('../../engines/analytics/index.ts')).default },
  { name: 'risk', load: async () => (await import('../../engines/risk/index.ts')).default },
  { name: 'factor', load: async () => (await import('../../engines/factor/index.ts')).default },
  { name: 'ml', load: async () => (await import('../../engines/ml/index.ts')).default },
  { name: 'features', load: async () => (await import('../../engines/features/index.ts')).default },
  { name: 'websocket', load: async () => (await import('../../engines/websocket/index.ts')).default },
  { name: 'strategy', load: async () => (await import('../../engines/strategy/index.ts')).default },
  { name: 'marketdata', load: async () => (await import('../../engines/marketdata/index.ts')).default },
  { name: 'portfolio', load: async () => (await import('../../engines/portfolio/index.ts')).default },
];

/** Names of all engines. */
export const ENGINE_NAMES: readonly string[] = ENGINES.map((e) => e.name);

/** Returns the definition of an engine; undefined when there is none of this name. */
export async function loadEngine(name: string): Promise<EngineDefinition | undefined> {
  return ENGINES.find((e) => e.name === name)?.load();
}
