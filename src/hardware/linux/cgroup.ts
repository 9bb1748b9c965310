// Limits of the control groups that this process is in, version 1 and 2. A limit of any group above counts too.
import { isTold, orNull, type Told, untold } from '../facts.ts';
import type { SystemFiles } from './files.ts';

/** Version 1 writes "no limit" as the largest whole page below 2^63. */
const NO_LIMIT = 2 ** 62;

/** A controller's group of this process: its folders from its own one up to the mount, and the version. */
export interface ControlGroup {
  readonly version: 1 | 2;
  readonly folders: readonly string[];
}

/** The groups of this process by controller. */
export interface ControlGroups {
  readonly cpu: Told<ControlGroup>;
  readonly memory: Told<ControlGroup>;
}

interface Mount {
  readonly root: string;
  readonly point: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
}

/** Returns the mounts of control groups in the text of /proc/self/mountinfo. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line): Mount[] => {
    const [left, right] = line.split(' - ');
    const fields = left?.split(' ') ?? [];
    const [type, , options] = right?.split(' ') ?? [];
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const [root, point] = [fields[3], fields[4]];
    if (!root || !point) return [];
    return [{ root, point, version: type === 'cgroup2' ? 2 : 1, controllers: options?.split(',') ?? [] }];
  });
}

// A container without a namespace of its own sees its path on the host, and its own group mounted at the top.
function foldersOf({ root, point }: Mount, path: string): string[] {
  const inside = root === '/' ? path : path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
  const parts = inside.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    [point, ...parts.slice(0, parts.length - i)].join('/'),
  );
}

/** Finds the control groups of this process. */
export function controlGroups(files: SystemFiles): ControlGroups {
  const groups = files.read('/proc/self/cgroup');
  const mountinfo = files.read('/proc/self/mountinfo');
  if (!isTold(groups)) return { cpu: groups, memory: groups };
  if (!isTold(mountinfo)) return { cpu: mountinfo, memory: mountinfo };
  const mounts = parseMounts(mountinfo);
  const lines = groups.split('\n').map((line) => {
    const [id, controllers, ...path] = line.split(':');
    return {
      unified: id === '0' && controllers === '',
      controllers: controllers?.split(',') ?? [],
      path: path.join(':'),
    };
  });
  const find = (controller: string): Told<ControlGroup> => {
    const old = mounts.find((m) => m.version === 1 && m.controllers.includes(controller));
    const line = lines.find((l) => (old ? l.controllers.includes(controller) : l.unified));
    const mount = old ?? mounts.find((m) => m.version === 2);
    if (!mount || !line) return untold(`no control group for ${controller} is mounted`);
    return { version: mount.version, folders: foldersOf(mount, line.path) };
  };
  return { cpu: find('cpu'), memory: find('memory') };
}

/** Returns the processor time that the groups grant, in cores; the reason says when there is no limit. */
export function cpuQuota(files: SystemFiles, cpu: Told<ControlGroup>): Told<number> {
  if (!isTold(cpu)) return cpu;
  const quotas = cpu.folders.flatMap((folder) => {
    const [quota, period] =
      cpu.version === 2
        ? (orNull(files.read(`${folder}/cpu.max`))
            ?.split(' ')
            .map(Number) ?? [])
        : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(
            (name) => orNull(files.number(`${folder}/${name}`)) ?? Number.NaN,
          );
    return quota && period && quota > 0 && period > 0 ? [quota / period] : [];
  });
  return quotas.length > 0 ? Math.min(...quotas) : untold('no control group limits processor time');
}

/** A limit of memory, with the folder of the group that has it. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly folder: string;
}

/** Returns the least memory that a group grants; the reason says when there is no limit. */
export function memoryLimit(files: SystemFiles, memory: Told<ControlGroup>): Told<MemoryLimit> {
  if (!isTold(memory)) return memory;
  const file = memory.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
  const limits = memory.folders.flatMap((folder): MemoryLimit[] => {
    const bytes = orNull(files.number(`${folder}/${file}`));
    return bytes !== null && bytes > 0 && bytes < NO_LIMIT ? [{ bytes, folder }] : [];
  });
  const [first, ...others] = limits;
  if (!first) return untold('no control group limits memory');
  return others.reduce((least, limit) => (limit.bytes < least.bytes ? limit : least), first);
}

/**
 * Returns the memory that counts against a limit and can't be given back at once, in bytes: what the group uses without its inactive
 * file cache, as Kubernetes counts it.
 */
export function memoryUsage(files: SystemFiles, version: 1 | 2, folder: string): Told<number> {
  const used = files.number(`${folder}/${version === 2 ? 'memory.current' : 'memory.usage_in_bytes'}`);
  if (!isTold(used)) return used;
  const name = version === 2 ? 'inactive_file' : 'total_inactive_file';
  const stat = orNull(files.read(`${folder}/memory.stat`)) ?? '';
  const inactive = new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? '0';
  return Math.max(0, used - Number(inactive));
}
