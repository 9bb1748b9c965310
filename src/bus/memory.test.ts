// The memory transport passes the suite of all transports.
import { busConformance } from './conformance.ts';
import { MemoryHub } from './memory.ts';

busConformance('memory', async () => {
  const hub = new MemoryHub();
  return { connect: () => hub.connect(), close: () => {} };
});
