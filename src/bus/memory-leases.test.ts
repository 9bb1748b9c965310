// The memory board passes the suite of all boards.
import { leaseConformance } from './lease-conformance.ts';
import { MemoryLeases } from './memory-leases.ts';

leaseConformance('memory', async () => {
  const board = new MemoryLeases();
  return { connect: async () => board, close: () => {} };
});
