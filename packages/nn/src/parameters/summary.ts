/** A model as a table. */
import { Tensor } from "@pullback/core";
import { isFrozen } from "./freeze.ts";
import { intercept, layersOf, shapesOf } from "./layer-calls.ts";
import { setMode } from "./mode.ts";
import { parameterCount, parameterPlaces } from "./named.ts";
import { blameLayers } from "./shape-blame.ts";

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
 *
 * @throws ShapeError naming the layer that does not fit, and the one whose output it was given
 */
export function summary(model: { forward(...inputs: any[]): unknown }, ...inputs: readonly unknown[]): string {
  const rows: Row[] = [];
  const restore: (() => void)[] = [setMode(model, "eval")];
  for (const { layer, path, depth } of layersOf(model)) {
    const row: Row = { path, type: layer.constructor.name, depth, output: "-", parameters: parameterCount(layer) };
    rows.push(row);
    const undo = intercept(layer, (_, forward) => {
      const output = forward();
      row.output = shapesOf(output);
      return output;
    });
    restore.push(undo);
  }
  try {
    model.forward(...inputs);
  } catch (error) {
    throw blameLayers(error, model, () => model.forward(...inputs));
  } finally {
    for (const undo of restore) undo();
  }
  return [...table(rows), "", totals(model)].join("\n");
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
