/** A stable, readable dump of HIR, one operation per line, values as `%n` or `%name.n`. */
import { typeText } from "./kinds.ts";
import type { HirFunction, Key, Op, PopOp, PushOp, Region, Value } from "./types.ts";

/** Values are renumbered in order of appearance, so that equal functions print equal text. */
export function printFunction(fn: HirFunction): string {
  const numbers = new Map<Value, number>();
  const ref = (v: Value): string => {
    let n = numbers.get(v);
    if (n === undefined) {
      n = numbers.size;
      numbers.set(v, n);
    }
    return v.name === undefined ? `%${n}` : `%${v.name}.${n}`;
  };
  const typed = (v: Value) => `${ref(v)}: ${typeText(v.type)}`;
  const captures = fn.captures.length === 0 ? "" : ` captures (${fn.captures.map(typed).join(", ")})`;
  const head = `${fn.kind} ${fn.name}(${fn.params.map(typed).join(", ")})${captures} -> ${typeText(fn.result)} {`;
  return `${head}\n${printRegion(fn.body, "  ", ref)}\n}`;
}

function printRegion(region: Region, indent: string, ref: (v: Value) => string): string {
  const lines = region.ops.map((op) => indent + printOp(op, indent, ref));
  lines.push(
    indent + (region.diverges === true ? "diverges" : `yield ${region.results.map(ref).join(", ")}`.trimEnd()),
  );
  return lines.join("\n");
}

function at(op: PushOp | PopOp, ref: (v: Value) => string): string {
  return op.cursor === undefined ? "" : ` at ${ref(op.cursor)}${op.moves === true ? " moves" : ""}`;
}

function key(k: Key, ref: (v: Value) => string): string {
  return k.kind === "field" ? `.${k.name}` : `[${ref(k.index)}]`;
}

function printOp(op: Op, indent: string, ref: (v: Value) => string): string {
  const list = (values: readonly Value[], spread?: readonly boolean[]) =>
    values.map((v, i) => (spread?.[i] === true ? "..." : "") + ref(v)).join(", ");
  const head = op.results.length === 0 ? "" : `${op.results.map(ref).join(", ")} = `;
  const block = (r: Region) => {
    const params = r.params.length === 0 ? "" : `(${list(r.params)}) `;
    return `${params}{\n${printRegion(r, `${indent}  `, ref)}\n${indent}}`;
  };
  switch (op.kind) {
    case "const":
      return `${head}const ${typeof op.value === "bigint" ? `${op.value}n` : op.value === undefined ? "undefined" : Object.is(op.value, -0) ? "-0" : (JSON.stringify(op.value) ?? String(op.value))}`;
    case "global":
      return `${head}global ${op.text}`;
    case "prim":
      return `${head}${op.op} ${list(op.args)}`;
    case "math":
      return `${head}Math.${op.fn} ${list(op.args)}`;
    case "array":
      return `${head}[${list(op.elements, op.spread)}]`;
    case "object":
      return `${head}{ ${op.entries.map((e) => (e.key === undefined ? `...${ref(e.value)}` : `${e.key}: ${ref(e.value)}`)).join(", ")} }`;
    case "newArray":
      return `${head}newArray ${ref(op.length)}${op.fill === undefined ? "" : ` of ${ref(op.fill)}`}`;
    case "allocate":
      return `${head}allocate ${op.classText}`;
    case "new":
      return `${head}new ${op.classText}(${list(op.args)}) storing ${op.fields.map((f) => `${f.name}=${f.argument}`).join(" ")}`;
    case "load":
      return `${head}load ${ref(op.object)}${key(op.key, ref)}${op.readonly === true ? " readonly" : ""}`;
    case "store":
      return `store ${ref(op.object)}${key(op.key, ref)} = ${ref(op.value)}`;
    case "push":
      return `push ${ref(op.array)}, ${ref(op.value)}${at(op, ref)}`;
    case "pop":
      return `${head}pop ${ref(op.array)}${at(op, ref)}`;
    case "cursor":
      return `${head}cursor${op.array === undefined ? "" : ` at the end of ${ref(op.array)}`}`;
    case "call": {
      const c = op.callee;
      const name = c.kind === "value" ? "" : c.kind === "dynamic" ? ` .${c.method}` : ` ${c.text}`;
      return `${head}call ${c.kind}${name}(${list(op.args, op.spread)})${op.effects ? " effects" : ""}${op.catches === true ? " catches" : ""}`;
    }
    case "closure":
      return `${head}closure captures (${list(op.captures)}) ${printFunction(op.function).replaceAll("\n", `\n${indent}`)}`;
    case "opaque":
      return `${head}opaque ${op.diagnostic.code} \`${op.parts.map((p, i) => p + (i < op.operands.length ? ref(op.operands[i]!) : "")).join("")}\`${op.effects ? " effects" : ""}${op.catches === true ? " catches" : ""}`;
    case "throw":
      return `throw ${ref(op.value)}`;
    case "if":
      return `${head}if ${ref(op.condition)} ${block(op.then)} else ${block(op.else)}`;
    case "loop": {
      const c = op.counted;
      const counted = c === undefined ? "" : ` counted ${ref(c.start)} ${c.comparison} ${ref(c.end)} step ${c.step}`;
      const test = op.test === undefined ? "" : ` ${op.testAfter ? "until-after" : "while"} ${block(op.test)}`;
      return `${head}loop${op.hasBreak ? " hasBreak" : ""}${counted} from (${list(op.initial)})${test} body ${block(op.body)}`;
    }
    case "runtime":
      return `${head}$pb.${op.fn}(${list(op.args)})`;
    case "sweep": {
      const c = op.callee;
      const name =
        op.variant !== undefined ? ref(op.variant) : c.kind === "known" || c.kind === "registered" ? c.text : c.kind;
      return `${head}${op.sweep} ${name}[${op.mask}](${list(op.args)})`;
    }
  }
}
