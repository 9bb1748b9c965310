// Metrics of the accelerators' health.
import { ACCELERATOR_OF, PARTS, type Part } from '../hardware/routing.ts';
import { type HardwareRouting, workOf } from './hardware-routing.ts';
import { Counter, Gauge, type Registry } from './prom.ts';

const labelsOf = (part: Part) => ({ accelerator: ACCELERATOR_OF[part], work: workOf(part) });

/** Adds `nautilus_accelerator_available` and `nautilus_accelerator_opened_total` to `registry`. */
export function registerRouting(registry: Registry, hardware: HardwareRouting): void {
  const registers = [registry];
  const labelNames = ['accelerator', 'work'];
  new Gauge({
    name: 'nautilus_accelerator_available',
    help: '1 while an accelerator is there and in use, by what runs on it: kernels, or models through Core ML',
    labelNames,
    registers,
    collect() {
      const health = hardware.health();
      for (const part of PARTS) {
        const there = hardware.presence[part] === null && health[part].state === 'closed';
        this.set(labelsOf(part), there ? 1 : 0);
      }
    },
  });
  new Counter({
    name: 'nautilus_accelerator_opened_total',
    help: 'Times that an accelerator was taken out after failures in a row',
    labelNames,
    registers,
    collect() {
      this.reset();
      const health = hardware.health();
      for (const part of PARTS) this.inc(labelsOf(part), health[part].opened);
    },
  });
}
