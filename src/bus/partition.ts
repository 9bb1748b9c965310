// How keys are divided into partitions: the same everywhere and for ever, since logs and leases are numbered by it.

/** Partitions of every topic and of every group of replicas. */
export const PARTITIONS = 8;

const encoder = new TextEncoder();

/**
 * Returns the partition of `key`, an integer in [0, partitions).
 * Source: FNV-1a, 32 bit, over the UTF-8 bytes of the key (RFC 9923), modulo the count.
 */
export function partitionOf(key: string, partitions: number = PARTITIONS): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0) % partitions;
}
