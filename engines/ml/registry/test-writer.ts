// A process that stores files without end, to be killed in the middle.
import { Artefacts } from './artefacts.ts';

const artefacts = new Artefacts(process.argv[2]!);
for (;;) {
  // Large enough that a write takes a while.
  const bytes = new Uint8Array(8 * 2 ** 20);
  crypto.getRandomValues(bytes.subarray(0, 32));
  await artefacts.keep(bytes, async () => undefined);
}
