// Graphics cards of a Linux machine, by what their drivers tell in /sys and /proc.
import { group, isTold, orNull, type Told, told, untold } from '../facts.ts';
import type { GpuFacts } from '../schema.ts';
import type { SystemFiles } from './files.ts';

const DRM = '/sys/class/drm';
const NVIDIA = '/proc/driver/nvidia/gpus';
const NO_COUNT = 'Linux drivers do not count GPU cores';

/** Folders of the devices behind the cards, without the connectors of their screens. */
export function cardFolders(files: SystemFiles): string[] {
  return files
    .list(DRM)
    .filter((name) => /^card\d+$/.test(name))
    .map((name) => `${DRM}/${name}/device`);
}

/** Returns every graphics card that the kernel knows. */
export function readGpus(files: SystemFiles): GpuFacts[] {
  const cards = cardFolders(files);
  const addresses = new Set(cards.map((card) => orNull(files.linkName(card))));
  const unlisted = files.list(NVIDIA).filter((address) => !addresses.has(address));
  return [
    ...cards.map((card) =>
      group({ name: nameOf(files, card), driver: files.linkName(`${card}/driver`), cores: untold(NO_COUNT) }),
    ),
    // Without its display part the driver of Nvidia has no card in DRM.
    ...unlisted.map((address) =>
      group({ name: nvidiaName(files, address), driver: 'nvidia', cores: untold(NO_COUNT) }),
    ),
  ];
}

function nameOf(files: SystemFiles, card: string): Told<string> {
  const product = files.read(`${card}/product_name`);
  if (isTold(product) && product !== '') return product;
  const address = files.linkName(card);
  const nvidia = isTold(address) ? nvidiaName(files, address) : address;
  if (isTold(nvidia)) return nvidia;
  const [vendor, device] = [files.read(`${card}/vendor`), files.read(`${card}/device`)];
  return isTold(vendor) && isTold(device)
    ? `vendor ${vendor}, device ${device}`
    : untold('its driver tells no name and no ids');
}

const nvidiaName = (files: SystemFiles, address: string): Told<string> =>
  told(
    files.read(`${NVIDIA}/${address}/information`),
    (text) => /^Model:\s+(.+)$/m.exec(text)?.[1] ?? untold('the driver of Nvidia tells no model'),
  );
