/**
 * A bounded linear memory for tensors, without `dispose`. When it is full it asks the garbage collector which tensors
 * are dead and takes their blocks. Where the collector takes no requests (in a browser), the blocks used longest ago
 * move to garbage-collected buffers of their own and come back when they are next used; most of them never do.
 *
 * The working size starts small and doubles while much of it is alive, up to the limit: so a program takes a small
 * multiple of what it uses, whether or not the compiler's releases are there.
 */

import type { MemoryStats } from "../../../backend/backend.ts";
import { BackendError, OutOfMemoryError } from "../../../errors.ts";
import { BlockAllocator, classBytes, sizeClass } from "./block-allocator.ts";
import { type Collector, findCollector } from "./collector.ts";
import { Cell, Handle } from "./storage.ts";

const page = 65536;
const mebibyte = 2 ** 20;

export interface ArenaOptions {
  /** The most linear memory ever held, in bytes (default and at most 2 GiB: kernels compare addresses as signed). */
  readonly limit?: number;
  /** The size up to which memory is taken before anything is collected or spilled, in bytes (default 32 MiB). */
  readonly initial?: number;
  /** How dead tensors are found; by default the platform's collector, where it takes requests. */
  readonly collector?: Collector | undefined;
}

/** The linear memory seen as each element type. Re-made when the memory grows: take them after allocating. */
export interface Views {
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** Beyond this a signed comparison of addresses would be wrong. */
const most = 2 ** 31 - page;

/** Bytes allocated between two collections, at the least. */
const leastCollected = 8 * mebibyte;

/** A working size that is not exceeded only to collect less often. */
const mostForSpeed = 64 * mebibyte;

/** Allocations after which new tensors are held weakly, so that few dead ones wait for the arena to fill. */
const sweepEvery = 16384;

let found: Collector | undefined | null = null;

/** Found on first need: it makes a context. */
function platformCollector(): Collector | undefined {
  if (found === null) found = findCollector();
  return found;
}

/** Bytes at address 0 into which kernels stage operands that do not live in the arena. */
const stagingBytes = 4096;

export class Arena {
  readonly memory: WebAssembly.Memory;
  views: Views;
  /** The number of the running kernel. Cells that carry it are pinned. */
  private stamp = 1;
  private readonly limit: number;
  private target: number;
  private held: number;
  private readonly blocks = new BlockAllocator();
  private oldest: Cell | null = null;
  private newest: Cell | null = null;
  private live = 0;
  private peakLive = 0;
  private spills = 0;
  /** Evidence for growth: bytes allocated and bytes brought back since the window began. */
  private allocatedInWindow = 0;
  private reloadedInWindow = 0;
  private readonly collector: Collector | undefined;
  private allocatedSinceCollection = 0;
  private collectedAt = 0;
  private allocationsSinceSweep = 0;

  constructor(options: ArenaOptions = {}) {
    this.limit = Math.floor(Math.min(options.limit ?? most, most) / page) * page;
    this.target = Math.min(options.initial ?? 32 * mebibyte, this.limit);
    this.collector = "collector" in options ? options.collector : platformCollector();
    this.held = page;
    this.memory = newMemory(Math.max(this.limit / page, 1));
    this.views = viewsOf(this.memory);
    this.blocks.extend(stagingBytes, page - stagingBytes);
  }

  /** Begins a kernel: what earlier kernels used may move from now on. */
  begin(): void {
    this.stamp++;
  }

  /** A new, uninitialised block, pinned for the running kernel. Throws OutOfMemoryError. */
  allocate(byteLength: number): Handle {
    const cell = new Cell(this, byteLength, this.classFor(byteLength));
    this.place(cell);
    const handle = new Handle(byteLength, cell, null);
    cell.owner = handle;
    if (++this.allocationsSinceSweep >= sweepEvery) this.sweep();
    return handle;
  }

  /** The address of the handle's data, brought back from its own buffer if need be; pinned for the running kernel. */
  resident(handle: Handle): number {
    const cell = handle.cell as Cell;
    // Its address would mean something else here.
    if (cell.home !== this)
      throw new BackendError("A tensor of another memory was given to an operation that runs in this one.", {
        hint: "This is a defect of the backend: the operation must bring its operands together first.",
      });
    if (cell.address >= 0) {
      cell.stamp = this.stamp;
      if (cell !== this.newest) {
        this.unlink(cell);
        this.link(cell);
      }
      return cell.address;
    }
    const data = cell.spilled;
    if (data === null)
      throw new BackendError("A tensor's memory was released while it was still in use.", {
        hint: "This is a defect of the compiler; PULLBACK_RELEASE=off goes around it.",
      });
    this.reloadedInWindow += classBytes(cell.sizeClass);
    this.place(cell);
    this.views.uint8.set(data, cell.address);
    cell.spilled = null;
    cell.owner = handle;
    return cell.address;
  }

  /** Frees a handle's memory now. */
  release(handle: Handle): void {
    const cell = handle.cell;
    if (cell === null) return;
    cell.spilled = null;
    if (cell.address < 0) return;
    this.evict(cell);
  }

  /** Memory for the running kernel's own use; give it back with `freeScratch`. */
  scratch(byteLength: number): number {
    return this.room(this.classFor(byteLength));
  }

  freeScratch(address: number, byteLength: number): void {
    this.blocks.give(address, sizeClass(byteLength));
  }

  /** Whether live tensors would have to spill for so many bytes more. Never where nobody knows which are alive. */
  crowded(byteLength: number): boolean {
    const room = this.limit - this.limit / 16 - byteLength;
    if (byteLength > this.limit || this.live <= room || this.collector === undefined) return false;
    this.collect(byteLength);
    return this.live > room;
  }

  stats(): MemoryStats {
    this.begin();
    this.sweep();
    return { live: this.live, peakLive: this.peakLive, arena: this.held, spills: this.spills };
  }

  /** The class of a block that can exist: beyond the limit classes would not even be told apart. */
  private classFor(byteLength: number): number {
    if (byteLength <= this.limit) return sizeClass(byteLength);
    throw new OutOfMemoryError(
      `The eager backend cannot hold ${byteLength} bytes at once: its memory has at most ${this.limit} bytes.`,
      { hint: "Divide the tensor, or work in smaller batches." },
    );
  }

  private place(cell: Cell): void {
    cell.address = this.room(cell.sizeClass);
    cell.stamp = this.stamp;
    this.link(cell);
    this.live += cell.byteLength;
    this.allocatedSinceCollection += cell.byteLength;
    if (this.live > this.peakLive) this.peakLive = this.live;
  }

  /** The address of a free block of the class: from the free lists, by growing, or by spilling. */
  private room(index: number): number {
    let address = this.blocks.take(index);
    if (address >= 0) return address;
    const bytes = classBytes(index);
    this.observe(bytes);
    if (this.blocks.free() >= bytes) {
      this.blocks.coalesce();
      address = this.blocks.take(index);
      if (address >= 0) return address;
    }
    if (this.grow(bytes, this.target)) return this.blocks.take(index);
    if (this.collect(bytes)) {
      this.blocks.coalesce();
      address = this.blocks.take(index);
      if (address >= 0) return address;
      if (this.grow(bytes, this.target)) return this.blocks.take(index);
    }
    while (this.spillSome(bytes)) {
      address = this.blocks.take(index);
      if (address >= 0) return address;
      this.blocks.coalesce();
      address = this.blocks.take(index);
      if (address >= 0) return address;
    }
    // Everything left is in use by the running kernel: take what it needs, up to the limit.
    if (this.grow(bytes, this.limit)) {
      this.target = Math.max(this.target, this.held);
      return this.blocks.take(index);
    }
    throw new OutOfMemoryError(
      `The eager backend cannot hold ${bytes} more bytes: ${this.held} of at most ${this.limit} bytes of its memory ` +
        "are taken, and the operands of the running operation fill the rest.",
      { hint: "Work in smaller batches, or give the backend a higher memory limit." },
    );
  }

  /** Frees what is dead, as far as can be known now. Afterwards every resident block is held weakly. */
  private sweep(): void {
    this.allocationsSinceSweep = 0;
    for (let cell = this.oldest; cell !== null; ) {
      const next: Cell | null = cell.newer;
      if (cell.stamp !== this.stamp) {
        if (cell.owner !== null) {
          cell.weakOwner = new WeakRef(cell.owner);
          cell.owner = null;
        } else if (cell.weakOwner?.deref() === undefined) this.evict(cell);
      }
      cell = next;
    }
    this.collector?.release();
  }

  /**
   * Collects garbage and frees the blocks of dead tensors. Where much is alive, or collecting takes much of the time,
   * the working size grows. False when there is no collector, or when it was asked only just now.
   */
  private collect(bytes: number): boolean {
    const { collector } = this;
    const least = Math.min(leastCollected, this.limit / 8);
    if (collector === undefined || this.allocatedSinceCollection < Math.max(this.target / 8, least)) return false;
    const start = performance.now();
    this.sweep();
    collector.collect();
    this.sweep();
    const end = performance.now();
    const costly = end - start > (end - this.collectedAt) / 5;
    this.collectedAt = end;
    this.allocatedSinceCollection = 0;
    if (costly && this.target < mostForSpeed) this.target = Math.min(2 * this.target, this.limit);
    while (this.live + bytes > this.target / 3 && this.target < this.limit)
      this.target = Math.min(2 * this.target, this.limit);
    return true;
  }

  /** Spilled blocks that come back in numbers say that the working size is too small. */
  private observe(bytes: number): void {
    this.allocatedInWindow += bytes;
    if (this.reloadedInWindow > this.target / 4) this.target = Math.min(this.target * 2, this.limit);
    else if (this.allocatedInWindow < 4 * this.target) return;
    this.allocatedInWindow = 0;
    this.reloadedInWindow = 0;
  }

  /** Grows by at least `bytes`, keeping within `most`; false if that cannot be. */
  private grow(bytes: number, most: number): boolean {
    const need = Math.ceil(bytes / page) * page;
    if (this.held + need > most) return false;
    // Generous steps, because each growth detaches every view of the memory.
    const step = Math.min(Math.max(need, 4 * mebibyte, Math.floor(this.held / 4 / page) * page), most - this.held);
    const grown = Math.floor(step / page) * page;
    try {
      this.memory.grow(grown / page);
    } catch {
      return false;
    }
    this.blocks.extend(this.held, grown);
    this.held += grown;
    this.views = viewsOf(this.memory);
    return true;
  }

  /** Moves the longest unused blocks out until at least `bytes` more are free; false if nothing could be moved. */
  private spillSome(bytes: number): boolean {
    let freed = 0;
    while (freed < bytes) {
      const cell = this.oldest;
      if (cell === null || cell.stamp === this.stamp) break;
      this.spill(cell);
      freed += classBytes(cell.sizeClass);
    }
    return freed > 0;
  }

  private spill(cell: Cell): void {
    cell.spilled = this.views.uint8.slice(cell.address, cell.address + cell.byteLength);
    // From here on only the handle holds the cell: the collector looks after both.
    this.evict(cell);
    this.spills++;
  }

  private evict(cell: Cell): void {
    this.unlink(cell);
    this.blocks.give(cell.address, cell.sizeClass);
    cell.owner = null;
    cell.weakOwner = null;
    cell.address = -1;
    this.live -= cell.byteLength;
  }

  private link(cell: Cell): void {
    cell.older = this.newest;
    cell.newer = null;
    if (this.newest === null) this.oldest = cell;
    else this.newest.newer = cell;
    this.newest = cell;
  }

  private unlink(cell: Cell): void {
    if (cell.older === null) this.oldest = cell.newer;
    else cell.older.newer = cell.newer;
    if (cell.newer === null) this.newest = cell.older;
    else cell.newer.older = cell.older;
    cell.older = null;
    cell.newer = null;
  }
}

/** Shared between threads where the platform allows it. */
function newMemory(maximum: number): WebAssembly.Memory {
  const shared = typeof SharedArrayBuffer !== "undefined";
  return new WebAssembly.Memory({ initial: 1, maximum, shared });
}

function viewsOf(memory: WebAssembly.Memory): Views {
  const buffer = memory.buffer;
  return {
    uint8: new Uint8Array(buffer),
    int8: new Int8Array(buffer),
    uint16: new Uint16Array(buffer),
    int32: new Int32Array(buffer),
    float32: new Float32Array(buffer),
    float64: new Float64Array(buffer),
  };
}
