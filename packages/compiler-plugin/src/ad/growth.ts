/** Which stores may make an array longer, so that its shadow has to follow. */
import { type HirFunction, type LoopOp, literal, type Op, type StoreOp, type Value, walk } from "../hir/index.ts";

const indicesOf = new WeakMap<HirFunction, Map<Value, LoopOp>>();

function loopIndices(fn: HirFunction): Map<Value, LoopOp> {
  let found = indicesOf.get(fn);
  if (found === undefined) {
    found = new Map();
    for (const loop of loopsIn(fn)) if (loop.counted !== undefined) found.set(loop.body.params[0] as Value, loop);
    indicesOf.set(fn, found);
  }
  return found;
}

function loopsIn(fn: HirFunction): LoopOp[] {
  const loops: LoopOp[] = [];
  walk(fn.body, (op) => {
    if (op.kind === "loop") loops.push(op);
  });
  return loops;
}

/** `array[index] = x` where the index may be the array's length or more, for all that the function itself tells. */
export function mayGrow(op: StoreOp, fn: HirFunction, definitions: ReadonlyMap<Value, Op>): boolean {
  const { object, key, value } = op;
  if (key.kind !== "index" || object.type.kind !== "array" || object.type.typed !== undefined) return false;
  const made = definitions.get(object);
  const place = literal(key.index, definitions);
  if (typeof place === "number") {
    const length = made?.kind === "newArray" ? literal(made.length, definitions) : literalLength(made);
    return !(typeof length === "number" && place < length);
  }
  if (readsSlot(value, op, definitions)) return false;
  const counted = loopIndices(fn).get(key.index)?.counted;
  if (counted === undefined || counted.comparison !== "<") return true;
  const end = definitions.get(counted.end);
  if (end?.kind === "load" && end.object === object && end.key.kind === "field" && end.key.name === "length")
    return false;
  return !(made?.kind === "newArray" && made.length === counted.end);
}

function literalLength(made: Op | undefined): number | undefined {
  return made?.kind === "array" && !made.spread.includes(true) ? made.elements.length : undefined;
}

/** `a[i] = a[i] + …`: past the end that is NaN already. */
function readsSlot(value: Value, op: StoreOp, definitions: ReadonlyMap<Value, Op>): boolean {
  const made = definitions.get(value);
  if (made?.kind !== "prim") return false;
  return made.args.some((a) => {
    const read = definitions.get(a);
    return (
      read?.kind === "load" &&
      read.object === op.object &&
      read.key.kind === "index" &&
      op.key.kind === "index" &&
      read.key.index === op.key.index
    );
  });
}
