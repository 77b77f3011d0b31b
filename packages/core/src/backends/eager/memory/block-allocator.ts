/**
 * Addresses inside the linear memory: which are free, which are taken. Blocks come in size classes (eight per
 * power of two, so at most an eighth is wasted); a freed block goes on its class's list, whence the next block of that
 * class is taken in constant time. Only when nothing fits are the lists merged back into contiguous ranges.
 */

/** Blocks begin at multiples of this, a cache line. */
const alignment = 64;
/** Up to here the classes are multiples of the alignment; from here on there are eight per power of two. */
const linearLog2 = 9;
const linearClasses = 2 ** linearLog2 / alignment;

/**
 * Every block ends in a cache line that belongs to no tensor, so that vector kernels need no special end: they may
 * read and write up to 15 bytes beyond the last element. (It also keeps equal blocks from aliasing in the cache.)
 */
const slack = alignment;

/** The class whose blocks hold `bytes`. */
export function sizeClass(bytes: number): number {
  if (bytes <= 2 ** linearLog2) return bytes === 0 ? 0 : Math.ceil(bytes / alignment) - 1;
  const octave = 31 - Math.clz32(bytes - 1);
  return linearClasses + ((octave - linearLog2) << 3) + (((bytes - 1) >>> (octave - 3)) & 7);
}

/** The size of a class's blocks, slack included. */
export function classBytes(index: number): number {
  if (index < linearClasses) return (index + 1) * alignment + slack;
  const octave = ((index - linearClasses) >>> 3) + linearLog2;
  return 2 ** octave + (((index - linearClasses) & 7) + 1) * 2 ** (octave - 3) + slack;
}

interface Range {
  address: number;
  bytes: number;
}

export class BlockAllocator {
  /** Free addresses by class. */
  private readonly lists: number[][] = [];
  /** Contiguous free memory that belongs to no class, by address. */
  private ranges: Range[] = [];
  private listedBytes = 0;
  private rangeBytes = 0;

  /** Free bytes in all, however scattered. */
  free(): number {
    return this.listedBytes + this.rangeBytes;
  }

  /** Adds fresh memory, as after growth. */
  extend(address: number, bytes: number): void {
    const last = this.ranges.at(-1);
    if (last !== undefined && last.address + last.bytes === address) last.bytes += bytes;
    else this.ranges.push({ address, bytes });
    this.rangeBytes += bytes;
  }

  /** An address for a block of the class, or -1. Never merges: see `coalesce`. */
  take(index: number): number {
    const list = this.lists[index];
    if (list !== undefined && list.length > 0) {
      this.listedBytes -= classBytes(index);
      return list.pop() as number;
    }
    const bytes = classBytes(index);
    if (bytes > this.rangeBytes) return -1;
    for (let i = 0; i < this.ranges.length; i++) {
      const range = this.ranges[i];
      if (range.bytes < bytes) continue;
      const address = range.address;
      range.address += bytes;
      range.bytes -= bytes;
      if (range.bytes === 0) this.ranges.splice(i, 1);
      this.rangeBytes -= bytes;
      return address;
    }
    return -1;
  }

  give(address: number, index: number): void {
    while (this.lists.length <= index) this.lists.push([]);
    this.lists[index].push(address);
    this.listedBytes += classBytes(index);
  }

  /** Merges neighbouring free blocks, so that blocks of other classes can be cut from them. */
  coalesce(): void {
    if (this.listedBytes === 0) return;
    const pieces = this.ranges;
    this.lists.forEach((list, index) => {
      const bytes = classBytes(index);
      for (const address of list) pieces.push({ address, bytes });
      list.length = 0;
    });
    pieces.sort((a, b) => a.address - b.address);
    const merged: Range[] = [];
    for (const piece of pieces) {
      const last = merged.at(-1);
      if (last !== undefined && last.address + last.bytes === piece.address) last.bytes += piece.bytes;
      else merged.push(piece);
    }
    this.ranges = merged;
    this.rangeBytes += this.listedBytes;
    this.listedBytes = 0;
  }
}
