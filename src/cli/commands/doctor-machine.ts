// What the doctor says of the machine: cores by cluster, what limits this process, memory, graphics, Neural Engine.
import { freemem } from 'node:os';
import type { Hardware } from '../../hardware/index.ts';
import { mebibytes } from '../output.ts';
import type { Finding } from './finding.ts';

/** Returns the lines of a machine; `freeBytes` is its free memory. */
export function machineFindings(hardware: Hardware, freeBytes: number = freemem()): Finding[] {
  const { cpu, memory } = hardware;
  const total = memory.total_bytes === null ? 'an unknown size' : mebibytes(memory.total_bytes);
  const limits = [
    ...(cpu.usable_cores < cpu.logical_cores ? [`${cpu.usable_cores} of its cores`] : []),
    ...(memory.limit_bytes === null ? [] : [`${mebibytes(memory.limit_bytes)} of memory`]),
  ];
  const where = whereItRuns(hardware);
  return [
    {
      check: 'machine',
      level: 'ok',
      found: [
        cpu.name ?? 'unknown processor',
        coresText(hardware),
        `${mebibytes(freeBytes)} of ${total} free`,
        ...(where === '' ? [] : [where]),
      ].join(', '),
    },
    { check: 'limits', level: limits.length > 0 ? 'info' : 'ok', found: limits.join(', ') || 'none' },
    { check: 'graphics', level: 'info', found: graphicsText(hardware) },
  ];
}

function coresText({ cpu }: Hardware): string {
  const kinds = cpu.clusters.filter(({ kind }) => kind !== 'uniform');
  if (kinds.length === 0) {
    const { physical_cores, logical_cores } = cpu;
    const threads = physical_cores !== null && physical_cores !== logical_cores;
    return threads ? `${physical_cores} cores with ${logical_cores} threads` : `${logical_cores} cores`;
  }
  return `${kinds.map(({ kind, physical_cores, logical_cores }) => `${physical_cores ?? logical_cores} ${kind}`).join(' + ')} cores`;
}

function whereItRuns({ system }: Hardware): string {
  const container = system.container === null ? '' : `in ${system.container}`;
  const machine = system.virtual_machine
    ? `on a virtual machine${system.hypervisor ? ` (${system.hypervisor})` : ''}`
    : '';
  return [container, machine].filter(Boolean).join(' ');
}

function graphicsText({ gpus, neural_engine }: Hardware): string {
  const cards = gpus.map(({ name, cores, driver }) =>
    [name ?? driver ?? 'unknown', ...(cores === null ? [] : [`with ${cores} cores`])].join(' '),
  );
  const { present, cores } = neural_engine;
  const engine = present ? [`Neural Engine${cores === null ? '' : ` with ${cores} cores`}`] : [];
  return [...cards, ...engine].join(', ') || 'no graphics card, no Neural Engine';
}
