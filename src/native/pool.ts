// Arrays for kernels out of a few long-lived slabs: no allocation, no page faults, and memory that Metal can wrap as it is.
import { InvariantError } from '../core/errors.ts';
import { loadAddon, type NativeArray } from './addon.ts';
import type { ElementType } from './define.ts';

/** What the pool has done so far; bytes are those of whole blocks. */
export interface PoolStats {
  /** Blocks taken that were there already. */
  readonly hits: number;
  /** Blocks taken for which memory had to be asked of the system. */
  readonly misses: number;
  /** hits / (hits + misses); 0 before the first. */
  readonly hit_rate: number;
  /** Bytes of all slabs. */
  readonly bytes: number;
  readonly in_use_bytes: number;
  /** The most that was ever in use at a time. */
  readonly high_water_bytes: number;
}

const CLASSES = {
  f64: Float64Array,
  f32: Float32Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
} as const;
type Fixed = Exclude<ElementType, 'float'>;
type ArrayFor<T extends Fixed> = InstanceType<(typeof CLASSES)[T]>;

/** Blocks below this come from the JavaScript heap, where they are cheaper: 16 KiB, also the alignment. */
export const SMALLEST_BLOCK = 16_384;
const SLAB_BYTES = 64 * 2 ** 20;

interface Block {
  readonly slab: ArrayBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Takes sizes in eighths of a power of two, so that at most an eighth of a block is unused. */
function blockBytes(bytes: number): number {
  const step = Math.max(SMALLEST_BLOCK, 2 ** Math.floor(Math.log2(bytes)) / 8);
  return Math.ceil(bytes / step) * step;
}

/** A pool of memory for arrays; one for each JavaScript thread. Slabs stay until the thread ends. */
export class Pool {
  readonly #free = new Map<number, Block[]>();
  readonly #slab: (bytes: number) => ArrayBuffer;
  /** What has not been handed out of each slab so far. */
  readonly #rests: Block[] = [];
  #hits = 0;
  #misses = 0;
  #bytes = 0;
  #inUse = 0;
  #highWater = 0;

  /** `slab` gives memory; for tests. */
  constructor(slab: (bytes: number) => ArrayBuffer = (bytes) => loadAddon().slab(bytes)) {
    this.#slab = slab;
  }

  /** Starts a piece of work: what it takes goes back together. */
  scope(): PoolScope {
    return new PoolScope(this);
  }

  get stats(): PoolStats {
    const asked = this.#hits + this.#misses;
    return {
      hits: this.#hits,
      misses: this.#misses,
      hit_rate: asked === 0 ? 0 : this.#hits / asked,
      bytes: this.#bytes,
      in_use_bytes: this.#inUse,
      high_water_bytes: this.#highWater,
    };
  }

  /** Used by {@link PoolScope}. */
  take(bytes: number): Block {
    const size = blockBytes(bytes);
    const known = this.#free.get(size)?.pop();
    if (known) this.#hits++;
    const block = known ?? this.#cut(size);
    this.#inUse += size;
    this.#highWater = Math.max(this.#highWater, this.#inUse);
    return block;
  }

  /** Used by {@link PoolScope}. */
  give(block: Block): void {
    this.#inUse -= block.bytes;
    const list = this.#free.get(block.bytes);
    if (list) list.push(block);
    else this.#free.set(block.bytes, [block]);
  }

  // Off what is left of a slab, else off a new one.
  #cut(size: number): Block {
    const at = this.#rests.findIndex(({ bytes }) => bytes >= size);
    if (at >= 0) {
      this.#hits++;
      const [rest] = this.#rests.splice(at, 1) as [Block];
      return this.#split(rest, size);
    }
    this.#misses++;
    const bytes = Math.max(SLAB_BYTES, size);
    const slab = this.#slab(bytes);
    this.#bytes += bytes;
    return this.#split({ slab, offset: 0, bytes }, size);
  }

  #split({ slab, offset, bytes }: Block, size: number): Block {
    if (bytes > size) this.#rests.push({ slab, offset: offset + size, bytes: bytes - size });
    return { slab, offset, bytes: size };
  }
}

/** What one piece of work holds of a pool. Arrays must not be used after {@link PoolScope.release}. */
export class PoolScope {
  readonly #pool: Pool;
  readonly #blocks: Block[] = [];
  #open = true;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Returns an array of `length` elements with any content, aligned to 16 KiB unless it is small. */
  take<T extends Fixed>(type: T, length: number): ArrayFor<T> {
    if (!this.#open) throw new InvariantError('memory taken of a scope that has ended');
    const Class = CLASSES[type];
    const bytes = length * Class.BYTES_PER_ELEMENT;
    if (bytes < SMALLEST_BLOCK) return new Class(length) as ArrayFor<T>;
    const block = this.#pool.take(bytes);
    this.#blocks.push(block);
    return new Class(block.slab, block.offset, length) as NativeArray as ArrayFor<T>;
  }

  /** Gives everything back. */
  release(): void {
    this.#open = false;
    for (const block of this.#blocks.splice(0)) this.#pool.give(block);
  }
}

/** The pool of this JavaScript thread. */
export const pool = new Pool();
