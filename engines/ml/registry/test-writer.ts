// A process that stores files without end, to be killed in the middle.
import { Artefacts } from './artefacts.ts';

const artefacts = new Artefacts(process.argv[2]!);
for (;;) {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  await artefacts.keep(bytes, async () => undefined);
}
