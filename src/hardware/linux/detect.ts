// What a Linux machine is, and what of it this process may use.
import { group, isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { Hardware, MetalFacts } from '../schema.ts';
import { controlGroups, cpuQuota, memoryLimit } from './cgroup.ts';
import { readCpu } from './cpu.ts';
import { parseIdList, SystemFiles } from './files.ts';
import { readGpus } from './gpu.ts';

const DMI = '/sys/class/dmi/id';

/** Reads the machine from /proc and /sys. */
export function detectLinux(metal: MetalFacts, files = new SystemFiles(), env = process.env): Hardware {
  const cpu = readCpu(files);
  const groups = controlGroups(files);
  const quota = cpuQuota(files, groups.cpu);
  const allowed = allowedCores(files);
  const usable = Math.min(
    orNull(allowed)?.length ?? cpu.online.length,
    orNull(quota) ?? Number.POSITIVE_INFINITY,
  );
  return {
    system: group({
      os: 'linux',
      version: files.read('/proc/sys/kernel/osrelease'),
      arch: process.arch,
      model: model(files),
      ...virtual(files, cpu.info.hypervisor),
      container: container(files, env),
    }),
    cpu: group({
      name: cpu.info.name,
      logical_cores: cpu.online.length,
      physical_cores: cpu.physicalCores,
      sockets: cpu.sockets,
      clusters: cpu.clusters,
      allowed_core_ids: allowed,
      quota_cores: quota,
      usable_cores: usable,
      caches: cpu.caches,
      numa_nodes: cpu.numaNodes,
      simd: cpu.info.simd,
    }),
    memory: group({
      total_bytes: told(files.read('/proc/meminfo'), (text) => meminfo(text, 'MemTotal')),
      limit_bytes: told(memoryLimit(files, groups.memory), ({ bytes }) => bytes),
    }),
    gpus: readGpus(files),
    metal,
    neural_engine: group({
      present: false,
      cores: untold('the Neural Engine is part of Apple silicon, and only macOS can use it'),
    }),
  };
}

/** Returns a field of /proc/meminfo in bytes. */
export function meminfo(text: string, field: string): Told<number> {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return kib === undefined ? untold(`/proc/meminfo has no ${field}`) : Number(kib) * 1024;
}

// What the scheduler allows is affinity and cpuset in one.
function allowedCores(files: SystemFiles): Told<number[]> {
  return told(files.read('/proc/self/status'), (text) => {
    const ids = parseIdList(/^Cpus_allowed_list:\s*(\S*)/m.exec(text)?.[1] ?? '');
    return ids?.length ? ids : untold('/proc/self/status has no Cpus_allowed_list');
  });
}

function model(files: SystemFiles): Told<string> {
  const product = files.read(`${DMI}/product_name`);
  if (isTold(product)) return [orNull(files.read(`${DMI}/sys_vendor`)) ?? '', product].join(' ').trim();
  const tree = files.read('/proc/device-tree/model');
  return isTold(tree) ? tree.replaceAll('\0', '') : untold('neither DMI nor a device tree names the machine');
}

function virtual(
  files: SystemFiles,
  flag: Told<boolean>,
): { virtual_machine: Told<boolean>; hypervisor: Told<string> } {
  const named = hypervisorName(files);
  const virtual_machine = isTold(flag) ? flag : isTold(named) ? true : flag;
  return {
    virtual_machine,
    hypervisor: virtual_machine === false ? untold('this is no virtual machine') : named,
  };
}

// DMI names the machine; a machine that is virtual is named after what makes it. Product of Apple's framework:
// https://github.com/systemd/systemd/pull/24419
const VIRTUAL =
  /QEMU|KVM|VMware|VirtualBox|Virtual Machine|Virtualization|Amazon EC2|Google Compute|Xen|Bochs|OpenStack/i;

function hypervisorName(files: SystemFiles): Told<string> {
  const type = files.read('/sys/hypervisor/type');
  if (isTold(type)) return type;
  const tree = files.read('/proc/device-tree/hypervisor/compatible');
  if (isTold(tree)) return tree.replaceAll('\0', ' ').trim();
  const machine = model(files);
  if (isTold(machine) && VIRTUAL.test(machine)) return machine;
  return untold('neither DMI nor /sys/hypervisor names one');
}

const CONTAINERS = [
  ['kubernetes', /kubepods/],
  ['docker', /docker/],
  ['podman', /libpod/],
  ['lxc', /\blxc\b/],
] as const;

function container(files: SystemFiles, env: Readonly<Record<string, string | undefined>>): Told<string> {
  if (env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  const groups = orNull(files.read('/proc/self/cgroup')) ?? '';
  const known = CONTAINERS.find(([, pattern]) => pattern.test(groups))?.[0];
  if (known) return known;
  if (files.exists('/run/.containerenv')) return 'podman';
  return files.exists('/.dockerenv') ? 'docker' : untold('nothing points to a container');
}
