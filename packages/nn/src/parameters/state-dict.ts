/** A model, or its tangent, as a map from published names to tensors; and back. */
import { isLeaf, primalOf, type Shape } from "@pullback/autodiff";
import { CheckpointError, isQuantised, quantisedRowBytes, Tensor, tensor } from "@pullback/core";
import { namesOf, publish } from "./names.ts";
import { isContainer, joinPath, setSlot, slotsOf } from "./slots.ts";

/** A tensor, or a number parameter, that belongs into a checkpoint. */
interface Entry {
  /** Field path from the object that was visited. */
  path: string;
  /** Published name, as far as the classes visited so far say. */
  name: string;
  readonly container: object;
  readonly key: string;
  readonly value: Tensor | number;
  /** An object visited before holds it: this is a second path to a tied parameter. */
  readonly tied: boolean;
}

/**
 * The tensors of a model by published name: parameters, and buffers (`NoDerivative<Tensor>` fields, integer tensors, and
 * all tensors of a `NoDerivative` layer, such as the one that `LoRA` adapts).
 * Number parameters are float64 tensors of rank 0. Names are field paths (`layers.0.weight`) as far as no class says
 * otherwise by `static names`. A tied parameter appears once.
 *
 * For a tangent, which is made of plain objects, names and ties (whose tangents are added) are those of the model it was
 * taken at; give `model` for a tangent put together by hand. Buffers have no tangent and do not appear.
 */
export function stateDict(value: unknown, model: unknown = primalOf(value) ?? value): Map<string, Tensor> {
  const dict = new Map<string, Tensor>();
  const tangents = model === value ? undefined : new Map(entriesOf(value).map((entry) => [entry.path, entry.value]));
  const owners = new Map<object, Map<string, string>>();
  for (const entry of entriesOf(model)) {
    const found = tangents === undefined ? entry.value : tangents.get(entry.path);
    if (found === undefined) continue;
    const x = typeof found === "number" ? tensor(found, { dtype: "float64", device: "eager" }) : found;
    const names = owners.get(entry.container) ?? new Map<string, string>();
    owners.set(entry.container, names);
    const first = names.get(entry.key);
    if (first === undefined) {
      names.set(entry.key, entry.name);
      dict.set(entry.name, x);
    } else if (tangents !== undefined) dict.set(first, dict.get(first)!.add(x));
  }
  return dict;
}

/**
 * Puts the tensors of `dict` into the model, in place, under the names that `stateDict(model)` uses, each cast to the
 * dtype that stands there. A tied parameter may come under the name of either path; a quantised tensor as itself, as
 * floating numbers, which are quantised, or as its bytes, uint8 `[…, bytes of a row]`.
 *
 * @throws CheckpointError PB7110 listing every missing, unknown and misshapen tensor at once; the model is then as it was
 */
export function loadStateDict(model: unknown, dict: ReadonlyMap<string, Tensor>): void {
  const entries = entriesOf(model);
  const known = new Set(entries.map((entry) => entry.name));
  const unknown = [...dict.keys()].filter((name) => !known.has(name));
  const missing: string[] = [];
  const misshapen: { name: string; has: string; needs: string }[] = [];
  const writes: (() => void)[] = [];
  for (const entry of entries.filter((candidate) => !candidate.tied)) {
    const sources = entries.filter((other) => other.container === entry.container && other.key === entry.key);
    const source = sources.map(({ name }) => dict.get(name)).find((x) => x !== undefined);
    if (source === undefined) {
      missing.push(entry.name);
      continue;
    }
    const { value, container, key } = entry;
    const shape = typeof value === "number" ? [] : value.shape;
    const bytes = isBytesOf(source, value);
    if (!bytes && (source.rank !== shape.length || source.shape.some((extent, i) => extent !== shape[i]))) {
      misshapen.push({ name: entry.name, has: `[${source.shape}]`, needs: `[${shape}]` });
      continue;
    }
    writes.push(() => setSlot(container, key, bytes ? fromBytes(source, value as Tensor) : like(source, value)));
  }
  if (missing.length + unknown.length + misshapen.length > 0) throw misfit(missing, unknown, misshapen);
  for (const write of writes) write();
}

const like = (source: Tensor, value: Tensor | number) =>
  typeof value === "number" ? source.item() : source.cast(value.dtype).to(value.device);

/** Whether `source` holds the blocks of a quantised tensor of the shape of `value`. */
function isBytesOf(source: Tensor, value: Tensor | number): boolean {
  if (typeof value === "number" || !isQuantised(value.dtype) || source.dtype !== "uint8") return false;
  const rowBytes = quantisedRowBytes(value.dtype, value.shape[value.rank - 1]);
  return source.rank === value.rank && source.shape.join() === [...value.shape.slice(0, -1), rowBytes].join();
}

const fromBytes = (source: Tensor, { dtype, shape }: Tensor): Tensor => tensor(source.dataSync(), { dtype, shape });

/** A state dict as a file can hold it: the blocks of quantised tensors as bytes, uint8 `[…, bytes of a row]`. */
export function withBytes(dict: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const entries = [...dict].map(([name, x]): [string, Tensor] => {
    if (!isQuantised(x.dtype)) return [name, x];
    const rowBytes = quantisedRowBytes(x.dtype, x.shape[x.rank - 1]);
    return [name, tensor(x.dataSync(), { shape: [...x.shape.slice(0, -1), rowBytes] })];
  });
  return new Map(entries);
}

function misfit(
  missing: readonly string[],
  unknown: readonly string[],
  misshapen: readonly { name: string; has: string; needs: string }[],
): CheckpointError {
  const lines: string[] = [];
  if (missing.length > 0) lines.push(`${missing.length} missing: ${missing.join(", ")}`);
  if (unknown.length > 0) lines.push(`${unknown.length} unknown: ${unknown.join(", ")}`);
  for (const { name, has, needs } of misshapen) lines.push(`${name} has shape ${has}, the model needs ${needs}`);
  return new CheckpointError(`the weights do not fit the model\n  ${lines.join("\n  ")}`, {
    code: "PB7110",
    names: [...missing, ...unknown, ...misshapen.map(({ name }) => name)],
    hint: "Load a checkpoint of this architecture and size, or map its names with `static names` on the model's class.",
  });
}

/** Every tensor and number parameter with its names, ties at each of their paths. */
export function entriesOf(value: unknown): Entry[] {
  return collect(value, "u", new Set(), new Set());
}

function collect(value: unknown, shape: Shape, seen: Set<object>, open: Set<object>): Entry[] {
  // An object inside itself (a parent pointer) adds nothing.
  if (!isContainer(value) || open.has(value)) return [];
  const tied = seen.has(value);
  seen.add(value);
  open.add(value);
  const names = namesOf(value);
  const entries: Entry[] = [];
  for (const slot of slotsOf(value, shape)) {
    const content = slot.value;
    if (content instanceof Tensor || (typeof content === "number" && slot.shape !== "-")) {
      entries.push({ path: slot.key, name: slot.key, container: value, key: slot.key, value: content, tied });
    } else if (!isLeaf(content) && (slot.shape !== "-" || isListOfTensors(content) || isLayer(content))) {
      for (const entry of collect(content, slot.shape, seen, open)) {
        entry.path = joinPath(slot.key, entry.path);
        entry.name = joinPath(slot.key, entry.name);
        entries.push(entry);
      }
    }
  }
  open.delete(value);
  if (names !== undefined) for (const entry of entries) entry.name = publish(names, entry.name);
  return entries;
}

const isLayer = (value: unknown): boolean => typeof (value as { forward?: unknown } | null)?.forward === "function";

const isListOfTensors = (value: unknown): boolean => Array.isArray(value) && value.every((x) => x instanceof Tensor);
