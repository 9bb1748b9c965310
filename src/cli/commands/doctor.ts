// `nautilus doctor`: looks at everything that the engines need, and says how to mend what is missing.
import { accessSync, constants, mkdirSync } from 'node:fs';
import manifest from '../../../package.json' with { type: 'json' };
import { type Config, loadConfig } from '../../core/config.ts';
import { detectHardware } from '../../hardware/index.ts';
import { buildInfo, isAddonBuilt, metalPipelines } from '../../native/index.ts';
import { listModels } from '../../onnx/registry.ts';
import { ENGINES, portOf } from '../engines.ts';
import { table } from '../output.ts';
import { readRunFile } from '../run-file.ts';
import { calibrationFindings } from './doctor-calibration.ts';
import { machineFindings } from './doctor-machine.ts';
import { postgresFindings } from './doctor-postgres.ts';
import { redisFindings } from './doctor-redis.ts';
import type { Finding } from './finding.ts';

/** Prints one line per check; exit code 1 when something that is needed is missing. */
export async function doctor(options: { readonly json?: boolean }): Promise<number> {
  const config = loadConfig();
  const findings = [
    bun(),
    ...machineFindings(await detectHardware()),
    ...addon(),
    ...gpu(),
    ...(await calibrationFindings(config)),
    ...(await redisFindings(config)),
    ...(await postgresFindings(config)),
    dataFolder(config),
    await models(config),
    ...(await ports(config)),
  ];
  if (options.json) console.log(JSON.stringify(findings, null, 2));
  else {
    console.log(table([['', 'CHECK', 'FOUND'], ...findings.map((f) => [MARK[f.level], f.check, f.found])]));
    for (const f of findings.filter((x) => x.fix)) console.log(`\n${f.check}: ${f.fix}`);
  }
  return findings.some((f) => f.level === 'fail') ? 1 : 0;
}

const MARK = { ok: 'ok', info: '--', warn: '!!', fail: 'NO' } as const;

function bun(): Finding {
  const pinned = manifest.dependencies.bun;
  const same = Bun.version === pinned;
  const found = same ? Bun.version : `${Bun.version}, pinned ${pinned}`;
  return {
    check: 'Bun',
    level: same ? 'ok' : 'fail',
    found,
    ...(same ? {} : { fix: 'run `make engines`, which installs the pinned one' }),
  };
}

function addon(): Finding[] {
  const fix = 'run `make engines` (or `bun run build:native`); the build log says what is missing';
  if (!isAddonBuilt()) return [{ check: 'addon', level: 'fail', found: 'not built', fix }];
  try {
    const info = buildInfo();
    return [
      { check: 'addon', level: 'ok', found: `${info.compiler}; ${info.flags}` },
      {
        check: 'SIMD target',
        level: 'ok',
        found: `${info.simdTarget} (built for ${info.simdTargets.join(', ')})`,
      },
      { check: 'BLAS', level: 'ok', found: info.blas },
    ];
  } catch (error) {
    return [{ check: 'addon', level: 'fail', found: (error as Error).message, fix }];
  }
}

/** Says how many Metal kernels there are, and which has the fewest threads in a threadgroup. */
function tightest(): string {
  const kernels = metalPipelines().filter(({ maxThreads }) => maxThreads > 0);
  const fewest = kernels.reduce((least, kernel) => (kernel.maxThreads < least.maxThreads ? kernel : least));
  return `${kernels.length} kernels, threadgroups of up to ${fewest.maxThreads} threads (${fewest.kernel}) or more`;
}

function gpu(): Finding[] {
  if (!isAddonBuilt()) return [];
  const { metal } = buildInfo();
  return [
    {
      check: 'GPU (Metal)',
      level: metal.broken.length > 0 ? 'warn' : metal.available ? 'ok' : 'info',
      found: metal.available
        ? ['available', tightest(), ...metal.broken.map((kernel) => `on the CPU: ${kernel}`)].join('; ')
        : `${metal.reason}; kernels run on the CPU`,
    },
  ];
}

function dataFolder(config: Config): Finding {
  try {
    mkdirSync(config.dataDir, { recursive: true });
    accessSync(config.dataDir, constants.W_OK);
    return { check: 'data folder', level: 'ok', found: config.dataDir };
  } catch {
    return {
      check: 'data folder',
      level: 'fail',
      found: `${config.dataDir} cannot be written`,
      fix: 'set NAUTILUS_DATA_DIR to a folder of yours',
    };
  }
}

async function models(config: Config): Promise<Finding> {
  const { models: good, rejected } = await listModels(config.modelsDir);
  const found = `${good.length} in ${config.modelsDir}${rejected.length > 0 ? `, ${rejected.length} rejected` : ''}`;
  if (good.length > 0 && rejected.length === 0) return { check: 'models', level: 'ok', found };
  const why = rejected.map((r) => `(${r.model_id}: ${r.reason})`).join(' ');
  return {
    check: 'models',
    level: 'info',
    found,
    fix: `restore the folder with git, or fit one with \`bun run fit:baseline\` ${why}`.trim(),
  };
}

async function ports(config: Config): Promise<Finding[]> {
  if (config.ports === 'free')
    return [{ check: 'ports', level: 'ok', found: 'any free ones (NAUTILUS_PORTS=free)' }];
  if (readRunFile(config.dataDir))
    return [{ check: 'ports', level: 'ok', found: 'in use by the engines that run' }];
  const wanted = ENGINES.map((e) => portOf(e, config));
  const taken = wanted.filter((port) => !isFree(config.host, port));
  if (taken.length === 0) return [{ check: 'ports', level: 'ok', found: `${wanted.join(' ')} are free` }];
  return [
    {
      check: 'ports',
      level: 'fail',
      found: `taken: ${taken.join(' ')}`,
      fix: `see who has them (lsof -i :${taken[0]}), or set NAUTILUS_PORTS=free`,
    },
  ];
}

function isFree(hostname: string, port: number): boolean {
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
