/** A model as a table. */
import { isLeaf } from "@pullback/autodiff";
import { Tensor } from "@pullback/core";
import { isFrozen } from "./freeze.ts";
import { setMode } from "./mode.ts";
import { parameterCount, parameterPlaces } from "./named.ts";
import { isContainer, joinPath, slotsOf } from "./slots.ts";

interface Row {
  readonly path: string;
  readonly type: string;
  readonly depth: number;
  output: string;
  readonly parameters: number;
}

/**
 * Runs the model once on `inputs`, in evaluation mode, and lists every object with a `forward`: path, class, the shape of
 * its output (the last one, where it is called more than once; "-" where it is not called), its own and its parts'
 * parameters. Below are the totals; ties count once.
 */
export function summary(model: { forward(...inputs: any[]): unknown }, ...inputs: readonly unknown[]): string {
  const rows: Row[] = [];
  const restore: (() => void)[] = [setMode(model, "eval")];
  visit(model, "", 0, new Set(), (layer, path, depth) => {
    const row: Row = { path, type: layer.constructor.name, depth, output: "-", parameters: parameterCount(layer) };
    rows.push(row);
    restore.push(watch(layer, (output) => (row.output = shapesOf(output))));
  });
  try {
    model.forward(...inputs);
  } finally {
    for (const undo of restore) undo();
  }
  return [...table(rows), "", totals(model)].join("\n");
}

type WithForward = { forward(...args: unknown[]): unknown };

function visit(
  value: unknown,
  path: string,
  depth: number,
  seen: Set<object>,
  enter: (layer: WithForward, path: string, depth: number) => void,
): void {
  if (!isContainer(value) || seen.has(value)) return;
  seen.add(value);
  const isLayer = typeof (value as { forward?: unknown }).forward === "function";
  if (isLayer) enter(value as WithForward, path, depth);
  for (const slot of slotsOf(value)) {
    if (!isLeaf(slot.value)) visit(slot.value, joinPath(path, slot.key), depth + (isLayer ? 1 : 0), seen, enter);
  }
}

/** Sees what `forward` returns, until the function that comes back is called. */
function watch(layer: WithForward, see: (output: unknown) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(layer, "forward");
  const { forward } = layer;
  Object.defineProperty(layer, "forward", {
    configurable: true,
    value(this: WithForward, ...args: unknown[]) {
      const output = forward.apply(this, args);
      see(output);
      return output;
    },
  });
  return () => {
    if (own === undefined) delete (layer as Partial<WithForward>).forward;
    else Object.defineProperty(layer, "forward", own);
  };
}

function shapesOf(output: unknown): string {
  if (output instanceof Tensor) return `[${output.shape.join(", ")}]`;
  if (typeof output !== "object" || output === null) return typeof output;
  const parts = Object.entries(output).map(([key, value]) => `${key} ${shapesOf(value)}`);
  return `{ ${parts.join(", ")} }`;
}

function table(rows: readonly Row[]): string[] {
  const cells = rows.map(({ path, type, depth, output, parameters }) => [
    `${"  ".repeat(depth)}${path === "" ? type : `${path} (${type})`}`,
    output,
    parameters.toLocaleString("en"),
  ]);
  const head = ["layer", "output", "parameters"];
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  const line = ([layer, output, parameters]: readonly string[]) =>
    `${layer!.padEnd(widths[0]!)}  ${output!.padEnd(widths[1]!)}  ${parameters!.padStart(widths[2]!)}`;
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...cells.map(line)];
}

function totals(model: unknown): string {
  let [count, still, bytes] = [0, 0, 0];
  for (const { container, key, value } of parameterPlaces(model)) {
    const [size, width] = value instanceof Tensor ? [value.size, widthOf(value)] : [1, 8];
    count += size;
    bytes += size * width;
    if (isFrozen(container, key)) still += size;
  }
  const frozen = still === 0 ? "" : `, ${still.toLocaleString("en")} of them frozen`;
  return `${count.toLocaleString("en")} parameters${frozen}, ${(bytes / 2 ** 20).toPrecision(3)} MiB`;
}

const widthOf = ({ dtype }: Tensor): number => (dtype === "float64" ? 8 : dtype.endsWith("16") ? 2 : 4);
