/**
 * Prints a function's operations as statements. A pure value with one reader stays an expression until it is read;
 * what depends on memory is written down before the next write; loops and branches assign `let` variables.
 */

import type { Mode } from "../ad/index.ts";
import { pointsToMemory } from "../analysis/index.ts";
import {
  type CallOp,
  type ClosureDerivative,
  type ClosureOp,
  caughtBy,
  dualOf,
  type HirFunction,
  type IfOp,
  type Key,
  type LoopOp,
  type Op,
  type OpaqueOp,
  operands,
  type Region,
  regions,
  type Span,
  settledKey,
  type Type,
  uses,
  type Value,
} from "../hir/index.ts";
import {
  assignment,
  atom,
  binaryText,
  type Expression,
  grouped,
  literalText,
  precedence,
  property,
  unaryText,
  union,
} from "./expression.ts";
import type { LocalNames } from "./names.ts";

export interface Line {
  readonly text: string;
  readonly indent: number;
  readonly span: Span | undefined;
}

/** Names of the functions that make up one variant of a derivative, as far as they are planned. */
export interface VariantNames {
  readonly joint?: string;
  readonly forward?: string;
  readonly backward?: string;
  readonly jvp?: string;
}

export interface References {
  /** Functions of another derivative that are in scope; undefined where it is reached through its carrier. */
  local(key: string, mask: string, mode: Mode): VariantNames | undefined;
  isInitialiser(key: string): boolean;
}

type Known = Extract<CallOp["callee"], { kind: "known" }>;

/** Longer expressions get a name, so that lines stay readable. */
const longest = 90;

interface Pending {
  readonly value: Value;
  readonly expression: Expression;
}

export class Statements {
  lines: Line[] = [];
  private readonly names: LocalNames;
  private readonly references: References;
  private readonly expressions = new Map<Value, Expression>();
  private readonly counts: ReadonlyMap<Value, number>;
  /** Values read by operations of the region that defines them, so that they may wait for their reader. */
  private readonly local = new Set<Value>();
  private pending: Pending[] = [];
  private indent = 1;
  private span: Span | undefined;
  private readonly mutable = new Set<string>();
  /** Objects made by `allocate` whose initialiser stands for `new`. */
  private readonly constructed: ReadonlySet<Value>;

  constructor(fn: HirFunction, names: LocalNames, references: References) {
    this.names = names;
    this.references = references;
    this.counts = uses(fn.body);
    this.findLocal(fn.body);
    this.constructed = this.findConstructed(fn.body, new Set(), new Set());
  }

  private findLocal(region: Region): void {
    const defined = new Set<Value>();
    for (const op of region.ops) {
      for (const v of operands(op)) if (defined.has(v)) this.local.add(v);
      for (const inner of regions(op)) this.findLocal(inner);
      for (const r of op.results) defined.add(r);
    }
    for (const v of region.results) if (defined.has(v)) this.local.add(v);
  }

  private findConstructed(region: Region, allocated: Set<Value>, found: Set<Value>): Set<Value> {
    for (const op of region.ops) {
      if (op.kind === "allocate") allocated.add(op.results[0] as Value);
      if (op.kind === "call" && op.callee.kind === "known" && this.references.isInitialiser(op.callee.key)) {
        const object = op.args[0] as Value;
        if (allocated.has(object)) found.add(object);
      }
      for (const inner of regions(op)) this.findConstructed(inner, allocated, found);
    }
    return found;
  }

  define(v: Value, name: string): void {
    this.names.set(v, name);
    this.expressions.set(v, atom(name));
  }

  private say(text: string): void {
    this.lines.push({ text, indent: this.indent, span: this.span });
  }

  /** The expression of a value; using it up when it waited. */
  get(v: Value): Expression {
    const at = this.pending.findIndex((p) => p.value === v);
    if (at >= 0) this.pending.splice(at, 1);
    const e = this.expressions.get(v);
    if (e === undefined) throw new Error(`Compiler defect: %${v.name ?? ""}${v.id} is printed before it is defined`);
    return e;
  }

  /** The value as a name or literal, for places that evaluate it more than once. */
  private simple(v: Value): Expression {
    const e = this.get(v);
    if (/^[\w$]+$|^-?[\d.]+$/.test(e.text)) return e;
    return this.name(v, e);
  }

  private name(v: Value, e: Expression, fallback?: string): Expression {
    const name = this.names.fresh(v, fallback);
    this.say(`const ${name}${annotation(v.type, e.text)} = ${e.text};`);
    this.define(v, name);
    return atom(name);
  }

  /** What a value is once it is known: kept for its only reader, or named. */
  private settle(v: Value, e: Expression, pure = true): void {
    const count = this.counts.get(v) ?? 0;
    if (count === 0 && pure) return;
    const simple =
      e.precedence === precedence.atom &&
      e.text.length < 24 &&
      !e.memory &&
      e.reads.size === 0 &&
      /^[\w$.-]+$/.test(e.text);
    if (simple) {
      this.expressions.set(v, e);
      return;
    }
    if (count === 1 && this.local.has(v) && e.text.length <= longest) {
      this.expressions.set(v, e);
      this.pending.push({ value: v, expression: e });
      return;
    }
    this.name(v, e);
  }

  /** Writes down what depends on memory, or on a variable about to change. */
  private flush(which: (e: Expression) => boolean): void {
    const waiting = this.pending.filter((p) => which(p.expression));
    this.pending = this.pending.filter((p) => !which(p.expression));
    for (const { value, expression } of waiting) this.name(value, expression);
  }

  private flushMemory(): void {
    this.flush((e) => e.memory);
  }

  region(region: Region): void {
    for (const op of region.ops) {
      this.span = op.span.file === "" ? undefined : op.span;
      this.operation(op);
    }
  }

  private key(object: Expression, key: Key, map: boolean): string {
    const base = grouped(object, precedence.call);
    if (key.kind === "field") return base + property(key.name);
    const index = this.get(key.index).text;
    return map ? `${base}.get(${index})` : `${base}[${index}]`;
  }

  private operation(op: Op): void {
    const result = op.results[0];
    switch (op.kind) {
      case "const":
        this.expressions.set(result as Value, literalText(op.value));
        return;
      case "global":
        this.expressions.set(
          result as Value,
          /^[\w$.]+$/.test(op.text) ? atom(op.text) : { ...atom(op.text), precedence: precedence.conditional },
        );
        return;
      case "prim": {
        const args = op.args.map((a) => this.get(a));
        const e =
          args.length === 1
            ? unaryText(op.op, args[0] as Expression)
            : binaryText(op.op, args[0] as Expression, args[1] as Expression);
        this.settle(result as Value, e);
        return;
      }
      case "math":
        this.settle(result as Value, this.callText(`Math.${op.fn}`, op.args));
        return;
      case "array": {
        const type = (result as Value).type;
        const typed = type.kind === "array" ? type.typed : undefined;
        const list = this.list(op.elements, op.spread);
        const text = typed === undefined ? `[${list.text}]` : `${typed}.from([${list.text}])`;
        this.fresh(result as Value, { ...list, text, precedence: precedence.call });
        return;
      }
      case "object": {
        const parts = op.entries.map((e) => {
          const value = this.get(e.value);
          if (e.key === undefined) return { text: `...${grouped(value, 3)}`, value };
          const key = /^[A-Za-z_$][\w$]*$/.test(e.key) ? e.key : JSON.stringify(e.key);
          return { text: key === value.text ? key : `${key}: ${value.text}`, value };
        });
        const text = parts.length === 0 ? "{}" : `{ ${parts.map((p) => p.text).join(", ")} }`;
        this.fresh(result as Value, { text, precedence: precedence.call, ...union(parts.map((p) => p.value)) });
        return;
      }
      case "newArray": {
        const type = (result as Value).type;
        const typed = type.kind === "array" ? type.typed : undefined;
        const length = this.get(op.length);
        const fill = op.fill === undefined ? undefined : this.get(op.fill);
        const filled = fill === undefined || (typed !== undefined && fill.text === "0") ? "" : `.fill(${fill.text})`;
        this.fresh(result as Value, {
          text: `new ${typed ?? "Array"}(${length.text})${filled}`,
          precedence: precedence.call,
          ...union(fill === undefined ? [length] : [length, fill]),
        });
        return;
      }
      case "allocate":
        if (this.constructed.has(result as Value)) return;
        this.fresh(result as Value, atom(`$pb.allocate(${op.classText})`));
        return;
      case "new": {
        const list = this.list(op.args);
        this.flushMemory();
        this.fresh(result as Value, {
          ...list,
          text: `new ${op.classText}(${list.text})`,
          precedence: precedence.call,
        });
        return;
      }
      case "load": {
        const object = this.get(op.object);
        const type = op.object.type;
        const index = op.key.kind === "index" ? this.expressions.get(op.key.index) : undefined;
        const text = this.key(object, op.key, type.kind === "map" && type.record !== true && op.key.kind === "index");
        const { reads } = union(index === undefined ? [object] : [object, index]);
        this.settle(result as Value, { text, precedence: precedence.call, reads, memory: true });
        return;
      }
      case "store": {
        const value = this.get(op.value);
        const written = this.get(op.object);
        // A statement may not begin with a brace: an object that nobody reads again stands here as its literal.
        const object = written.text.startsWith("{") ? atom(`(${written.text})`) : written;
        const type = op.object.type;
        if (type.kind === "map" && type.record !== true && op.key.kind === "index") {
          const key = this.get(op.key.index).text;
          this.flushMemory();
          this.say(`${grouped(object, precedence.call)}.set(${key}, ${value.text});`);
          return;
        }
        const target = this.key(object, op.key, false);
        this.flushMemory();
        this.say(assignment(target, value));
        return;
      }
      case "push": {
        const array = this.get(op.array);
        const value = this.get(op.value);
        this.flushMemory();
        const base = grouped(array, precedence.call);
        if (op.cursor === undefined) this.say(`${base}.push(${value.text});`);
        else this.say(`${base}[${this.get(op.cursor).text}${op.moves === true ? "++" : ""}] = ${value.text};`);
        return;
      }
      case "cursor": {
        const start = op.array === undefined ? "0" : `${grouped(this.get(op.array), precedence.call)}.length`;
        const name = this.names.fresh(result as Value, "top");
        this.say(`let ${name} = ${start};`);
        this.define(result as Value, name);
        return;
      }
      case "pop": {
        const base = grouped(this.get(op.array), precedence.call);
        const at = op.cursor === undefined ? "" : `${op.moves === true ? "--" : ""}${this.get(op.cursor).text}`;
        const text = op.cursor === undefined ? `${base}.pop()` : `${base}[${at}]`;
        this.flushMemory();
        this.impure(result, atom(text));
        return;
      }
      case "call":
        this.call(op);
        return;
      case "closure":
        this.closure(op);
        return;
      case "opaque": {
        const given = this.given(op, op.operands);
        const parts = op.operands.map((v) => this.get(v));
        const plain = op.parts
          .map((p, i) => p + (i < parts.length ? grouped(parts[i] as Expression, precedence.call) : ""))
          .join("");
        const text = once(op, plain, given, result === undefined);
        if (op.catches === true) this.caught(op, text);
        else if (result === undefined) {
          this.flushMemory();
          this.say(/[;}]\s*$/.test(text) ? text : `${text};`);
        } else if (op.effects) {
          this.flushMemory();
          this.impure(result, atom(text));
        } else this.settle(result, { text, precedence: 1, reads: union(parts).reads, memory: true });
        return;
      }
      case "throw": {
        const value = this.get(op.value).text;
        this.flush(() => true);
        this.say(`throw ${value};`);
        return;
      }
      case "if":
        this.conditional(op);
        return;
      case "loop":
        this.loop(op);
        return;
      case "runtime": {
        const e = this.callText(`$pb.${op.fn}`, op.args);
        if (op.effects) {
          this.flushMemory();
          this.impure(result, e);
        } else if (op.fn === "add") this.settle(result as Value, e);
        else this.fresh(result as Value, e);
        return;
      }
      case "sweep": {
        const list = this.list(op.args);
        let callee: string;
        if (op.variant !== undefined) {
          const code = grouped(this.get(op.variant), precedence.call);
          callee = op.sweep === "jvp" ? code : `${code}.${op.sweep}`;
        } else {
          const { callee: known } = op;
          if (known.kind !== "known")
            throw new Error("Compiler defect: a sweep of an unknown function without a variant");
          const mode = op.sweep === "jvp" ? "forward" : "reverse";
          const carrier = () => (op.settled === true ? `$pb.settled(${this.carrier(known)})` : this.carrier(known));
          callee =
            this.references.local(op.settled === true ? settledKey(known.key) : known.key, op.mask, mode)?.[op.sweep] ??
            (mode === "forward"
              ? `$pb.jvp(${carrier()}, "${op.mask}")`
              : `$pb.variant(${carrier()}, "${op.mask}").${op.sweep}`);
        }
        if (op.catches === true) {
          this.caught(op, `${callee}(${list.text})`, "{}");
          return;
        }
        this.flushMemory();
        this.impure(result, { ...list, text: `${callee}(${list.text})`, precedence: precedence.call });
      }
    }
  }

  private list(values: readonly Value[], spread?: readonly boolean[]): Expression {
    const parts = values.map((v) => this.get(v));
    const text = parts.map((p, i) => (spread?.[i] === true ? `...${grouped(p, 3)}` : p.text)).join(", ");
    return { text, precedence: 1, ...union(parts) };
  }

  private callText(callee: string, args: readonly Value[]): Expression {
    const list = this.list(args);
    return { ...list, text: `${callee}(${list.text})`, precedence: precedence.call };
  }

  /** A new object: it has an identity, so it may wait for its only reader but not be written twice. */
  private fresh(v: Value, e: Expression): void {
    this.settle(v, { ...e, memory: true });
  }

  /** Something that must happen here and now. */
  private impure(v: Value | undefined, e: Expression): void {
    if (v === undefined || (this.counts.get(v) ?? 0) === 0) this.say(`${e.text};`);
    else this.name(v, e);
  }

  /** An operation in a `try` of its own: where it throws, its result stays what it starts with. */
  private caught(op: Op, text: string, start?: string, object?: Value): void {
    const { thrown, error } = caughtBy(op) as { thrown: Value; error: Value };
    const value = object ?? (op.results.length === 3 ? op.results[0] : undefined);
    this.flushMemory();
    const declare = (v: Value, fallback: string, initial: string) => {
      const name = this.names.fresh(v, fallback);
      this.say(`let ${name}${initial}`);
      this.define(v, name);
      return name;
    };
    const target =
      value === undefined ? "" : `${declare(value, "result", start === undefined ? ": any;" : `: any = ${start};`)} = `;
    const flag = declare(thrown, "thrown", " = false;");
    const wanted = (this.counts.get(error) ?? 0) > 0;
    const kept = wanted ? declare(error, "error", ": any;") : "";
    this.say("try {");
    this.indent++;
    this.say(/[;}]\s*$/.test(text) ? `${target}${text}` : `${target}${text};`);
    this.indent--;
    this.say(wanted ? "} catch (exception) {" : "} catch {");
    this.indent++;
    this.say(`${flag} = true;`);
    if (wanted) this.say(`${kept} = exception;`);
    this.indent--;
    this.say("}");
  }

  private call(op: CallOp): void {
    const { callee } = op;
    const result = op.results[0] as Value;
    if (
      callee.kind === "known" &&
      this.references.isInitialiser(callee.key) &&
      this.constructed.has(op.args[0] as Value)
    ) {
      const list = this.list(op.args.slice(1), op.spread?.slice(1));
      if (op.catches === true) {
        this.caught(op, `new ${callee.text}(${list.text})`, undefined, op.args[0]);
        this.expressions.set(result, atom("undefined"));
        return;
      }
      this.flushMemory();
      this.name(op.args[0] as Value, atom(`new ${callee.text}(${list.text})`), "object");
      this.expressions.set(result, atom("undefined"));
      return;
    }
    let e: Expression;
    const given = this.given(op, op.args);
    const dual = callee.kind === "known" ? dualOf(callee.key) : undefined;
    const method = "method" in callee && dual === undefined ? callee.method : undefined;
    if (method !== undefined) {
      const receiver = this.get(op.args[0] as Value);
      const base = grouped(receiver, precedence.call) + property(method);
      const accessor = "accessor" in callee ? callee.accessor : undefined;
      if (accessor === "set") {
        const text = once(op, `${base} = ${this.get(op.args[1] as Value).text}`, given, true);
        if (op.catches === true) this.caught(op, text);
        else {
          this.flushMemory();
          this.say(`${text};`);
          this.expressions.set(result, atom("undefined"));
        }
        return;
      }
      const list = this.list(op.args.slice(1), op.spread?.slice(1));
      e = {
        ...union([receiver, list]),
        text: accessor === "get" ? base : `${base}(${list.text})`,
        precedence: precedence.call,
      };
    } else if (callee.kind === "value") {
      const fn = this.get(op.args[0] as Value);
      const list = this.list(op.args.slice(1), op.spread?.slice(1));
      e = { ...union([fn, list]), text: `${grouped(fn, precedence.call)}(${list.text})`, precedence: precedence.call };
    } else {
      const list = this.list(op.args, op.spread);
      const name =
        callee.kind === "known" && dual !== undefined ? this.carrier(callee) : (callee as { text: string }).text;
      e = { ...list, text: `${name}(${list.text})`, precedence: precedence.call };
    }
    e = { ...e, text: once(op, e.text, given) };
    if (op.catches === true) this.caught(op, e.text);
    else if (op.effects || callee.kind !== "inert") {
      this.flushMemory();
      this.impure(result, e);
    } else this.fresh(result, e);
  }

  /** The objects that an operation is given which is done once in all runs. */
  private given({ once }: CallOp | OpaqueOp, values: readonly Value[]): string {
    if (once === undefined || once === "speaks") return "";
    const objects = values.filter(({ type }) => pointsToMemory(type) && type.kind !== "function");
    return `[${objects.map((v) => this.simple(v).text).join(", ")}]`;
  }

  /** The function object behind a name, which an accessor's name does not evaluate to; or the code of forward mode. */
  private carrier(callee: Known): string {
    const dual = dualOf(callee.key);
    if (dual !== undefined) {
      const of = { ...callee, key: dual.of };
      return (
        this.references.local(dual.of, dual.mask, "forward")?.jvp ?? `$pb.jvp(${this.carrier(of)}, "${dual.mask}")`
      );
    }
    if (callee.accessor === undefined) return callee.text;
    const dot = callee.text.lastIndexOf(".");
    return `$pb.accessor(${callee.text.slice(0, dot)}, ${JSON.stringify(callee.text.slice(dot + 1))}, "${callee.accessor}")`;
  }

  private closure(op: ClosureOp): void {
    const result = op.results[0] as Value;
    const { derivative } = op;
    const literal = this.arrow(op.function, op.captures);
    const name = this.names.fresh(result, "fn");
    if (derivative === undefined) {
      this.say(`const ${name} = ${literal.head}`);
      this.lines.push(...literal.lines);
      this.say("};");
      this.define(result, name);
      return;
    }
    const own = this.carrierOf(op, derivative, false);
    const settled = this.carrierOf(op, derivative, true);
    const isSettled = derivative.codes.some((code) => code.settled === true);
    this.say(`const ${name} = $pb.carry(${literal.head}`);
    this.lines.push(...literal.lines);
    own("}, {");
    if (isSettled) {
      // Made when somebody asks for it.
      settled("} }, settled: (): any => ({");
      this.say("} } }) });");
    } else this.say("} } });");
    this.define(result, name);
  }

  /** Says the derivative of a literal, or of its settled form, but for the end. */
  private carrierOf(
    { function: of }: ClosureOp,
    derivative: ClosureDerivative,
    settled: boolean,
  ): (start: string) => void {
    const { kinds, mask, mutates } = derivative;
    const codes = derivative.codes
      .filter((code) => (code.settled === true) === settled)
      .map(({ sweep, function: fn, captures }) => ({ sweep, fn: this.arrow(fn, captures, 2) }));
    return (start) => {
      const header = `abi: 1, name: ${JSON.stringify(of.name)}, kinds: "${kinds}"`;
      const rest = of.rest === undefined ? "" : "rest: true, ";
      const late = !settled && derivative.changesFirst === true ? "changesFirst: true, " : "";
      this.say(`${start} ${header}, ${rest}${late}variants: { "${mask}": {`);
      for (const { sweep, fn } of codes) {
        this.indent++;
        this.say(`${sweep}: ${fn.head}`);
        this.lines.push(...fn.lines);
        this.say("},");
        this.indent--;
      }
      if (mutates.includes("1"))
        this.lines.push({ text: `mutates: "${mutates}",`, indent: this.indent + 1, span: this.span });
    };
  }

  /** A function literal in place: its first line, its body, and `}` left to the caller. */
  private arrow(inner: HirFunction, captures: readonly Value[], deeper = 1): { head: string; lines: Line[] } {
    const nested = new Statements(inner, this.names, this.references);
    nested.indent = this.indent + deeper;
    inner.captures.forEach((c, i) => {
      const outer = captures[i] as Value;
      const e = this.get(outer);
      // A variable that changes later is captured as it is now.
      const fixed = /^[\w$.-]+$/.test(e.text) && !this.mutable.has(e.text) ? e : this.name({ ...outer }, e);
      nested.expressions.set(c, fixed);
    });
    const params = inner.params.map((p, i) => {
      const name = this.names.fresh(p, "x");
      nested.define(p, name);
      return `${i === inner.rest ? "..." : ""}${name}${i === inner.rest ? ": any[]" : ": any"}`;
    });
    nested.whole(inner.body);
    return { head: `(${params.join(", ")}): any => {`, lines: nested.lines };
  }

  /** A function's body; one that begins runs leaves them when an exception ends it, too. */
  whole(body: Region): void {
    const write = () => {
      this.region(body);
      this.finish(body, (e) => (e === undefined || e.text === "undefined" ? [] : [`return ${e.text};`]));
    };
    if (!begins(body)) {
      write();
      return;
    }
    const outside = this.names.unique("outside");
    this.say(`const ${outside} = $pb.logged();`);
    this.say("try {");
    this.indent++;
    write();
    this.indent--;
    this.say("} finally {");
    this.indent++;
    this.say(`$pb.reset(${outside});`);
    this.indent--;
    this.say("}");
  }

  /** The last statement of a function. */
  finish(body: Region, text: (result: Expression | undefined) => string[]): void {
    if (body.diverges === true) return;
    const result = body.results[0];
    const e = result === undefined ? undefined : this.get(result);
    for (const line of text(e)) this.say(line);
  }

  /** Prints a region apart; the lines and what still waits there are handed to `use`. */
  private apart(region: Region, use: () => void): Line[] {
    const { lines, pending } = this;
    this.lines = [];
    this.pending = [];
    this.indent++;
    this.region(region);
    use();
    this.indent--;
    const inner = this.lines;
    this.lines = lines;
    this.pending = pending;
    return inner;
  }

  private conditional(op: IfOp): void {
    const condition = this.get(op.condition);
    const span = this.span;
    const results: Expression[][] = [];
    // Whatever waits and depends on memory must not move behind writes in the branches.
    if (mayWrite(op.then) || mayWrite(op.else)) this.flushMemory();
    const before = this.lines;
    const branches = [op.then, op.else].map((branch) =>
      this.apart(branch, () => {
        results.push(branch.diverges === true ? [] : branch.results.map((v) => this.get(v)));
      }),
    );
    this.span = span;
    this.lines = before;
    const [thenLines, elseLines] = branches as [Line[], Line[]];
    const [thenResults, elseResults] = results as [Expression[], Expression[]];
    const pure =
      thenLines.length === 0 && elseLines.length === 0 && op.then.diverges !== true && op.else.diverges !== true;
    if (pure) {
      op.results.forEach((r, i) => {
        const a = thenResults[i] as Expression;
        const b = elseResults[i] as Expression;
        const text = a.text === b.text ? a.text : `${grouped(condition, 3)} ? ${grouped(a, 2)} : ${grouped(b, 2)}`;
        this.settle(r, { text, precedence: precedence.conditional, ...union([condition, a, b]) });
      });
      return;
    }
    const names = op.results.map((r) => this.names.fresh(r));
    const diverging = op.then.diverges === true || op.else.diverges === true;
    const simple = !diverging && elseLines.length === 0 && elseResults.every((e) => /^[\w$.-]+$/.test(e.text));
    op.results.forEach((r, i) => {
      const type = r.type.kind === "number" ? "number" : "any";
      const initial = elseResults[i]?.text;
      this.say(simple ? `let ${names[i]}: ${type} = ${initial};` : `let ${names[i]}: ${type};`);
      this.define(r, names[i] as string);
    });
    const assign = (list: readonly Expression[]) =>
      list.map((e, i) => ({ text: `${names[i]} = ${e.text};`, indent: this.indent + 1, span }));
    const then = [...thenLines, ...assign(thenResults)];
    const otherwise = simple ? [] : [...elseLines, ...assign(elseResults)];
    if (then.length === 0) {
      this.say(`if (!${grouped(condition, precedence.unary)}) {`);
      this.lines.push(...otherwise);
    } else {
      this.say(`if (${condition.text}) {`);
      this.lines.push(...then);
      if (otherwise.length > 0) {
        this.say("} else {");
        this.lines.push(...otherwise);
      }
    }
    this.say("}");
  }

  private loop(op: LoopOp): void {
    const span = this.span;
    const offset = op.counted === undefined ? 0 : 1;
    const initial = op.initial.map((v) => this.get(v));
    const header =
      op.counted === undefined
        ? undefined
        : { ...op.counted, start: this.get(op.counted.start), end: this.simple(op.counted.end) };
    const writes = mayWrite(op.body);
    if (writes) this.flushMemory();
    const names = op.initial.map((_, i) => {
      const param = op.body.params[i + offset] as Value;
      const source = param.name === undefined ? (op.results[i] as Value) : param;
      return this.names.fresh(source, "c");
    });
    names.forEach((name, i) => {
      const type = (op.results[i] as Value).type.kind === "number" ? "number" : "any";
      this.say(`let ${name}: ${type} = ${initial[i]?.text};`);
      this.mutable.add(name);
      const variable = { ...atom(name), reads: new Set([name]) };
      for (const v of [op.body.params[i + offset], op.test?.params[i]]) {
        if (v === undefined) continue;
        this.names.set(v, name);
        this.expressions.set(v, variable);
      }
    });

    let condition: Expression | undefined;
    const testing =
      op.test === undefined
        ? []
        : this.apart(op.test, () => {
            condition = this.get((op.test as Region).results[0] as Value);
          });
    let index: string | undefined;
    if (op.counted !== undefined) {
      index = this.names.fresh(op.body.params[0] as Value, "i");
      this.define(op.body.params[0] as Value, index);
    }
    const body = this.apart(op.body, () => {
      if (op.body.diverges === true) return;
      const next = op.initial.map((_, i) => this.get(op.body.results[i] as Value));
      const again = op.hasBreak ? this.get(op.body.results[op.initial.length] as Value) : undefined;
      this.span = span;
      this.assignTogether(names, next, again);
    });
    this.span = span;

    const label = op.label === undefined ? "" : "";
    const inline = testing.length === 0 && condition !== undefined;
    const stop = condition === undefined ? undefined : `if (!${grouped(condition, precedence.unary)}) break;`;
    const inner = { indent: this.indent + 1, span };
    if (header !== undefined) {
      const advance =
        header.step === 1 ? `${index}++` : header.step === -1 ? `${index}--` : `${index} += ${header.step}`;
      this.say(
        `${label}for (let ${index} = ${header.start.text}; ${index} ${header.comparison} ${header.end.text}; ${advance}) {`,
      );
      if (!op.testAfter && stop !== undefined) this.lines.push(...testing, { ...inner, text: stop });
      this.lines.push(...body);
      if (op.testAfter && stop !== undefined) this.lines.push(...testing, { ...inner, text: stop });
      this.say("}");
    } else if (inline && op.testAfter) {
      this.say("do {");
      this.lines.push(...body);
      this.say(`} while (${condition?.text});`);
    } else {
      this.say(inline ? `while (${condition?.text}) {` : "while (true) {");
      if (!inline && !op.testAfter && stop !== undefined) this.lines.push(...testing, { ...inner, text: stop });
      this.lines.push(...body);
      if (!inline && op.testAfter && stop !== undefined) this.lines.push(...testing, { ...inner, text: stop });
      this.say("}");
    }
    // From here on the variables stay as they are, until an enclosing loop comes round again.
    op.results.forEach((r, i) => {
      this.define(r, names[i] as string);
    });
  }

  /** The carried variables take their next values at once, in an order in which none is read after it has changed. */
  private assignTogether(names: readonly string[], next: readonly Expression[], again: Expression | undefined): void {
    let leave = again;
    if (leave !== undefined && leave.reads.size > 0) {
      const name = this.names.unique("again");
      this.say(`const ${name} = ${leave.text};`);
      leave = atom(name);
    }
    const open = names.flatMap((name, i) => (next[i]?.text === name ? [] : [{ name, e: next[i] as Expression }]));
    // A memory read must come before none of these assignments, but all before the next write: they are all locals.
    while (open.length > 0) {
      const ready = open.findIndex(({ name }, i) => open.every((other, j) => i === j || !other.e.reads.has(name)));
      if (ready >= 0) {
        const [{ name, e }] = open.splice(ready, 1) as [{ name: string; e: Expression }];
        this.say(assignment(name, e));
        continue;
      }
      const first = open[0] as { name: string; e: Expression };
      const kept = this.names.unique(`${first.name}_next`);
      this.say(`const ${kept} = ${first.e.text};`);
      open[0] = { name: first.name, e: atom(kept) };
    }
    if (leave !== undefined)
      this.say(leave.text === "false" ? "break;" : `if (!${grouped(leave, precedence.unary)}) break;`);
  }
}

/** Whether runs of a function begin in a region. */
function begins(region: Region): boolean {
  return region.ops.some((op) => (op.kind === "runtime" && op.fn === "enter") || regions(op).some(begins));
}

/** What is done once in all runs of a function. */
function once({ once }: CallOp | OpaqueOp, text: string, given: string, statement = false): string {
  if (once === undefined) return text;
  const work = statement ? `{ ${text}${/[;}]\s*$/.test(text) ? "" : ";"} }` : text.startsWith("{") ? `(${text})` : text;
  const more = once === "collection" ? `, ${given}, true` : given === "" || given === "[]" ? "" : `, ${given}`;
  return `$pb.once(() => ${work}${more})`;
}

function mayWrite(region: Region): boolean {
  return region.ops.some(
    (op) =>
      ["store", "push", "pop", "call", "sweep", "closure"].includes(op.kind) ||
      ((op.kind === "opaque" || op.kind === "runtime") && op.effects) ||
      regions(op).some(mayWrite),
  );
}

/** Empty arrays and objects that grow need a type, everything else is inferred. */
function annotation(type: Type, text: string): string {
  if (text === "[]") return ": any[]";
  if (text.startsWith("{") || type.kind === "struct") return ": any";
  return "";
}
