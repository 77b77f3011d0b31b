/**
 * Who holds data of an engine, and when it is given back. Users dispose of nothing: when enough has been allocated, the
 * garbage collector is asked which storages are dead (see ../eager/memory/collector.ts). Where it takes no requests
 * (in browsers) finalizers free data between tasks, and within one long task the oldest data moves to ordinary arrays,
 * which the collector looks after, and comes back when it is next used.
 */
import type { MemoryStats, Storage } from "../../backend/backend.ts";
import { type Collector, findCollector } from "../eager/memory/collector.ts";
import type { DataId, Engine, Info } from "./types.ts";

/** The data of tensors, in the engine (`info`) or moved out of it (`host`); released when it is in neither. */
export class TfjsStorage implements Storage {
  readonly byteLength: number;
  readonly size: number;
  /** @internal */
  entry: Entry | null = null;
  /** @internal */
  host: ArrayBufferView | null = null;

  constructor(size: number, byteLength: number) {
    this.size = size;
    this.byteLength = byteLength;
  }
}

/** The ledger's side of a storage. It must not hold the storage strongly once its fate is to be found out. */
interface Entry {
  readonly info: Info;
  readonly byteLength: number;
  owner: TfjsStorage | null;
  weak: WeakRef<TfjsStorage> | null;
}

const mebibyte = 2 ** 20;
/** Allocated between two collections, at the least. */
const leastBytes = 64 * mebibyte;
const leastCount = 8192;
/** Held at most without a collector before the oldest moves out. */
const mostWithoutCollector = 256 * mebibyte;

export class Ledger {
  private readonly engine: Engine;
  private readonly freed: (dataId: DataId) => void;
  private readonly readback: { readonly isKnown: boolean };
  private readonly collector: Collector | undefined;
  private readonly entries = new Set<Entry>();
  private readonly finalizers: FinalizationRegistry<Entry> | undefined;
  private live = 0;
  private peakLive = 0;
  private spills = 0;
  private bytesSince = 0;
  private countSince = 0;

  /**
   * @param freed told of data whose last reference this was: tfjs keeps books too
   * @param readback whether data can be read at once, and so moved out of the engine
   */
  constructor(
    engine: Engine,
    freed: (dataId: DataId) => void,
    readback: { readonly isKnown: boolean },
    collector = findCollector(),
  ) {
    this.engine = engine;
    this.freed = freed;
    this.readback = readback;
    this.collector = collector;
    if (collector === undefined) this.finalizers = new FinalizationRegistry((entry) => this.drop(entry));
  }

  /** Takes over one reference to an engine's data. */
  adopt(info: Info, size: number): TfjsStorage {
    const storage = new TfjsStorage(size, size * (info.dtype === "bool" ? 1 : 4));
    this.hold(storage, info);
    return storage;
  }

  /** The data of a storage, in the engine. */
  resident(storage: TfjsStorage): Info {
    if (storage.entry !== null) return storage.entry.info;
    const { host } = storage;
    if (host === null) throw new Error("This tensor's memory was released while it was still in use.");
    const dtype = tagOf(host) === "Float32Array" ? "float32" : tagOf(host) === "Int32Array" ? "int32" : "bool";
    const shape = [storage.size];
    this.hold(storage, { dataId: this.engine.write(host, shape, dtype), shape, dtype });
    storage.host = null;
    return (storage as { entry: Entry | null }).entry!.info;
  }

  release(storage: TfjsStorage): void {
    storage.host = null;
    if (storage.entry !== null) this.drop(storage.entry);
    storage.entry = null;
  }

  /** Called before each operation: makes room when much has been allocated. What is in use may move afterwards only. */
  begin(): void {
    if (this.collector !== undefined) {
      const { bytesSince, countSince } = this;
      if (bytesSince > Math.max(leastBytes, this.live / 2) || countSince > Math.max(leastCount, this.entries.size))
        this.collect(this.collector);
    } else if (this.live > mostWithoutCollector && this.readback.isKnown) this.spillHalf();
  }

  stats(): MemoryStats {
    if (this.collector !== undefined) this.collect(this.collector);
    return { live: this.live, peakLive: this.peakLive, arena: this.live, spills: this.spills };
  }

  private hold(storage: TfjsStorage, info: Info): void {
    const entry: Entry = { info, byteLength: storage.byteLength, owner: null, weak: null };
    if (this.finalizers === undefined) entry.owner = storage;
    else {
      entry.weak = new WeakRef(storage);
      this.finalizers.register(storage, entry);
    }
    storage.entry = entry;
    this.entries.add(entry);
    this.live += entry.byteLength;
    this.bytesSince += entry.byteLength;
    this.countSince++;
    if (this.live > this.peakLive) this.peakLive = this.live;
  }

  private drop(entry: Entry): void {
    if (!this.entries.delete(entry)) return;
    this.live -= entry.byteLength;
    if (this.engine.disposeData(entry.info.dataId)) this.freed(entry.info.dataId);
  }

  private collect(collector: Collector): void {
    this.bytesSince = 0;
    this.countSince = 0;
    this.sweep(collector);
    collector.collect();
    this.sweep(collector);
  }

  /** Frees what is known to be dead; afterwards everything is held weakly. */
  private sweep(collector: Collector): void {
    for (const entry of this.entries) {
      if (entry.owner !== null) {
        entry.weak = new WeakRef(entry.owner);
        entry.owner = null;
      } else if (entry.weak?.deref() === undefined) this.drop(entry);
    }
    collector.release();
  }

  private spillHalf(): void {
    for (const entry of this.entries) {
      if (this.live < mostWithoutCollector / 2) return;
      const storage = entry.weak?.deref();
      if (storage !== undefined) {
        storage.host = copyOf(this.engine.readSync(entry.info.dataId));
        storage.entry = null;
        this.spills++;
      }
      this.drop(entry);
    }
  }
}

const tagOf = (data: ArrayBufferView): string =>
  (data as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag];

/** Some engines hand out the array that they keep. */
function copyOf(data: ArrayBufferView): ArrayBufferView {
  return (data as Float32Array).slice();
}
