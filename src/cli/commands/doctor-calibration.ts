// What the doctor finds of the sizes from which the GPU is taken; nothing where there is no GPU.
import type { Config } from '../../core/config.ts';
import { crossoversOf, readCalibration } from '../../hardware/routing.ts';
import { type MetalPort, metalPort } from '../../http/metal-port.ts';
import type { Finding } from './finding.ts';

const FIX = 'run `nautilus calibrate`; until then `auto` runs everything on the CPU';

/** Returns whether this machine's sizes are known. */
export async function calibrationFindings(
  { dataDir, hardware }: Pick<Config, 'dataDir' | 'hardware'>,
  metal: Pick<MetalPort, 'absent' | 'fingerprint'> = metalPort,
): Promise<Finding[]> {
  if (metal.absent() !== null) return [];
  const check = 'GPU sizes';
  if (!hardware.autoRouting)
    return [{ check, level: 'info', found: 'not needed: AUTO_HARDWARE_ROUTING is 0' }];
  const read = readCalibration(dataDir, await metal.fingerprint());
  if (read.state === 'absent') return [{ check, level: 'info', found: 'not measured yet', fix: FIX }];
  if (read.state === 'refused')
    return [{ check, level: 'warn', found: `not used: ${read.reason}`, fix: FIX }];
  const { rows, measured_at } = read.calibration;
  const wins = crossoversOf(read.calibration).size;
  const found = `measured ${measured_at}; the GPU wins in ${wins} of ${Object.keys(rows).length} rows`;
  return [{ check, level: 'ok', found }];
}
