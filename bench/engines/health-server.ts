// A server of the health bench, in its own process: `engine` is the features engine as `src/main.ts` runs it, `raw` a
// bare Bun.serve. It answers `cpu` from its parent with the CPU time that it has used.
import { hostEngine } from '../../src/cli/host.ts';
import { processServices } from '../../src/cli/transport.ts';
import { loadConfig } from '../../src/core/config.ts';
import { createLog } from '../../src/core/log.ts';

/** What the child says: where it listens, or its CPU time (user and system) in microseconds. */
export type HealthServerMessage = { readonly port: number } | { readonly cpuUs: number };

async function engine(): Promise<number> {
  const config = loadConfig();
  const { transport, ...services } = await processServices(
    config,
    'features',
    createLog('features', 'silent'),
  );
  return (await hostEngine('features', transport, services, config)).engine.port;
}

/** Answers with the object in `HEALTH_BODY`, serialised for every request as any handler of JSON does. */
function raw(): number {
  const body = JSON.parse(process.env.HEALTH_BODY ?? '{}') as object;
  return Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => Response.json(body) }).port ?? 0;
}

const port = process.argv[2] === 'engine' ? await engine() : raw();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuUs: user + system } satisfies HealthServerMessage);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port } satisfies HealthServerMessage);
