// What the doctor says of a machine.
import { expect, test } from 'bun:test';
import { detectHardware, type Hardware } from '../../hardware/index.ts';
import { machineFindings } from './doctor-machine.ts';

const here = await detectHardware();
const GIB = 2 ** 30;
const lines = (hardware: Hardware) =>
  Object.fromEntries(machineFindings(hardware, 8 * GIB).map(({ check, found }) => [check, found]));

const cluster = (kind: 'performance' | 'efficiency', cores: number) => ({
  kind,
  name: kind,
  logical_cores: cores,
  physical_cores: cores,
  core_ids: null,
});

test('names the cores of a Mac by cluster, its GPU and its Neural Engine', () => {
  const mac: Hardware = {
    ...here,
    system: { ...here.system, virtual_machine: false, container: null },
    cpu: {
      ...here.cpu,
      name: 'Apple M4 Max',
      logical_cores: 16,
      usable_cores: 16,
      clusters: [cluster('performance', 12), cluster('efficiency', 4)],
    },
    memory: { total_bytes: 64 * GIB, limit_bytes: null, reasons: {} },
    gpus: [{ name: 'Apple M4 Max', driver: 'AGXAcceleratorG16X', cores: 40, reasons: {} }],
    neural_engine: { present: true, cores: 16, reasons: {} },
  };
  expect(lines(mac)).toEqual({
    machine: 'Apple M4 Max, 12 performance + 4 efficiency cores, 8192 MB of 65536 MB free',
    limits: 'none',
    graphics: 'Apple M4 Max with 40 cores, Neural Engine with 16 cores',
  });
});

test('says what limits a container on a virtual machine, and what is not known', () => {
  const container: Hardware = {
    ...here,
    system: { ...here.system, virtual_machine: true, hypervisor: 'KVM', container: 'docker' },
    cpu: { ...here.cpu, name: null, logical_cores: 8, physical_cores: 4, usable_cores: 1.5, clusters: [] },
    memory: { total_bytes: null, limit_bytes: GIB / 2, reasons: {} },
    gpus: [],
    neural_engine: { present: false, cores: null, reasons: {} },
  };
  expect(lines(container)).toEqual({
    machine:
      'unknown processor, 4 cores with 8 threads, 8192 MB of an unknown size free, in docker on a virtual machine (KVM)',
    limits: '1.5 of its cores, 512 MB of memory',
    graphics: 'no graphics card, no Neural Engine',
  });
});
