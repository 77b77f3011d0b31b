/** TypeScript types to differentiable types. Recursive types stay finite: the fields of a struct are looked at on demand. */
import type ts from "typescript";
import type { StructType, Type } from "../../hir/index.ts";
import type { TypeHost } from "../host/index.ts";
import { Protocol } from "./protocol.ts";

export const inert = (text: string): Type => ({ kind: "inert", text });
const number: Type = { kind: "number" };
const differentiableFunction: Type = { kind: "function", text: "DifferentiableFunction" };

/** Arrays of arrays of …, deeper than any program means. */
const deepest = 24;

export class Types {
  readonly #host: TypeHost;
  readonly #protocol: Protocol;
  readonly #classKey: (declaration: ts.ClassLikeDeclaration) => string;
  readonly #implemented: (symbol: ts.Symbol) => boolean;
  readonly #converted = new Map<ts.Type, Type>();
  /** Structs whose fields nobody has asked for yet. */
  readonly #undecided = new Set<StructType>();
  #depth = 0;

  constructor(
    host: TypeHost,
    options: {
      classKey: (declaration: ts.ClassLikeDeclaration) => string;
      /** Whether classes of the program name the interface in their heritage clauses. */
      isImplemented: (symbol: ts.Symbol) => boolean;
    },
  ) {
    this.#host = host;
    this.#protocol = new Protocol(host);
    this.#classKey = options.classKey;
    this.#implemented = options.isImplemented;
  }

  of(type: ts.Type): Type {
    const known = this.#converted.get(type);
    if (known !== undefined) return known;
    // A type that contains itself without a named object in between (`type Nested = number | Nested[]`), or that
    // grows without end, is known only at run time from some depth on.
    if (this.#depth > deepest) return unknown("recursive");
    this.#converted.set(type, unknown("recursive"));
    this.#depth += 1;
    const converted = this.#convert(type);
    this.#depth -= 1;
    this.#converted.set(type, converted);
    return converted;
  }

  /** The type of an expression or name, as narrowed where it stands. */
  at(node: ts.Node): Type {
    return this.of(this.#host.checker.getTypeAtLocation(node));
  }

  /** The declared type of a variable, parameter, field or method. */
  ofSymbol(symbol: ts.Symbol): Type {
    return this.of(this.#host.checker.getTypeOfSymbol(symbol));
  }

  /** Looks at the fields of every struct met so far, and of those met on the way: nothing refers to the checker then. */
  decide(): void {
    let count = 0;
    for (const struct of this.#undecided) {
      this.#undecided.delete(struct);
      struct.fields();
      // A generic type may contain itself with ever larger arguments.
      if (++count > 10_000) return;
    }
  }

  #convert(type: ts.Type): Type {
    const { ts, checker } = this.#host;
    const F = ts.TypeFlags;
    if (type.flags & F.Any) return { kind: "unknown", text: "any" };
    if (type.flags & F.Unknown) return { kind: "unknown", text: "unknown" };
    if (type.flags & F.EnumLike) return inert("enum");
    if (type.flags & F.NumberLike) return number;
    if (type.flags & F.BooleanLike) return inert("boolean");
    if (type.flags & F.StringLike) return inert("string");
    if (type.flags & (F.Undefined | F.Void)) return inert("undefined");
    if (type.flags & F.Null) return inert("null");
    if (type.flags & F.Never) return inert("never");
    if (type.flags & (F.BigIntLike | F.ESSymbolLike)) return inert("bigint or symbol");
    if (type.isUnion()) return unionOf(type.types.map((member) => this.of(member)));
    if (type.isIntersection()) return this.#intersection(type);
    if (type.flags & F.Instantiable) {
      const constraint = checker.getBaseConstraintOfType(type);
      if (constraint === undefined || constraint === type) return unknown(checker.typeToString(type));
      if (constraint.flags & (F.Unknown | F.Any)) return unknown(checker.typeToString(type));
      const bound = this.of(constraint);
      return bound.kind === "struct" ? { ...bound, open: true, parameter: checker.typeToString(type) } : bound;
    }
    if (type.flags & F.Object) return this.#object(type as ts.ObjectType);
    return unknown(checker.typeToString(type));
  }

  /** `number & { brand }`, `F & { derivative }`, or an object of several parts. */
  #intersection(type: ts.IntersectionType): Type {
    const F = this.#host.ts.TypeFlags;
    const own = type.types.flatMap((t) => (t.flags & F.Object ? [...this.#host.checker.getPropertiesOfType(t)] : []));
    const keys = this.#protocol.keys(own);
    if (keys.has("noDerivative") || keys.has("int")) return inert("NoDerivative");
    if (keys.has("derivative")) return differentiableFunction;
    const primitive = type.types.find((t) => t.flags & (F.NumberLike | F.StringLike | F.BooleanLike | F.BigIntLike));
    if (primitive !== undefined) return this.of(primitive);
    const instantiable = type.types.find((t) => t.flags & F.Instantiable);
    if (instantiable !== undefined) return this.of(instantiable);
    return this.#object(type);
  }

  #object(type: ts.Type): Type {
    const { ts, checker } = this.#host;
    if (checker.isTupleType(type)) return this.#tuple(type as ts.TupleTypeReference);
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference);
      return { kind: "array", element: element === undefined ? unknown("any") : this.of(element) };
    }
    const symbol = type.symbol as ts.Symbol | undefined;
    const properties = checker.getPropertiesOfType(type);
    const keys = this.#protocol.keys(properties);
    if (keys.has("noDerivative") || keys.has("int")) return inert("NoDerivative");
    if (keys.has("vector")) return { kind: "leaf", name: symbol?.name ?? "leaf" };
    if (keys.has("derivative")) return differentiableFunction;
    if (type.getCallSignatures().length > 0) return { kind: "function", text: checker.typeToString(type) };
    if (type.getConstructSignatures().length > 0) return inert("constructor");
    const nominal = symbol !== undefined && (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0;
    if (nominal && this.#host.isAmbient(symbol)) return this.#ambient(type, symbol);
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index !== undefined && properties.length === 0)
      return { kind: "map", element: this.of(index.type), record: true };
    if (properties.length === 0 && !nominal) {
      return type.flags & ts.TypeFlags.NonPrimitive ? unknown("object") : this.#struct(type, symbol, properties);
    }
    return this.#struct(type, symbol, properties);
  }

  #tuple(type: ts.TupleTypeReference): Type {
    const { ts, checker } = this.#host;
    const elements = checker.getTypeArguments(type).map((element, i) => {
      const converted = this.of(element);
      return type.target.elementFlags[i]! & ts.ElementFlags.Optional
        ? unionOf([converted, inert("undefined")])
        : converted;
    });
    // With a rest element, positions after it are not known: such a tuple is an array.
    if (type.target.combinedFlags & ts.ElementFlags.Variable) return { kind: "array", element: unionOf(elements) };
    return { kind: "tuple", elements };
  }

  /** Types of JavaScript and its hosts: float arrays and Maps have tangents, nothing else has. */
  #ambient(type: ts.Type, symbol: ts.Symbol): Type {
    const { checker } = this.#host;
    if (symbol.name === "Float32Array" || symbol.name === "Float64Array") {
      return { kind: "array", element: number, typed: symbol.name };
    }
    if (symbol.name === "Map" || symbol.name === "ReadonlyMap") {
      const element = checker.getTypeArguments(type as ts.TypeReference)[1];
      return { kind: "map", element: element === undefined ? unknown("any") : this.of(element) };
    }
    if (symbol.name === "ArrayLike" || symbol.name === "Iterable" || symbol.name === "ConcatArray") {
      const element = checker.getTypeArguments(type as ts.TypeReference)[0];
      if (element !== undefined) return { kind: "array", element: this.of(element) };
    }
    return inert(symbol.name);
  }

  #struct(type: ts.Type, symbol: ts.Symbol | undefined, properties: readonly ts.Symbol[]): StructType {
    const { ts } = this.#host;
    const alias = type.aliasSymbol?.name;
    const own = symbol === undefined || symbol.name.startsWith("__") ? undefined : symbol.name;
    const declaration = symbol?.valueDeclaration;
    let fields: ReadonlyMap<string, Type> | undefined;
    let decide: (() => ReadonlyMap<string, Type>) | undefined = () => this.#fields(properties);
    const struct: StructType = {
      kind: "struct",
      name: own ?? alias ?? "{ … }",
      fields: () => {
        fields ??= decide!();
        decide = undefined;
        return fields;
      },
    };
    this.#undecided.add(struct);
    if (declaration !== undefined && ts.isClassLike(declaration)) {
      return { ...struct, classKey: this.#classKey(declaration) };
    }
    const hasMethods = properties.some((property) => property.flags & ts.SymbolFlags.Method);
    return hasMethods || properties.length === 0 || this.#isImplemented(symbol) ? { ...struct, open: true } : struct;
  }

  #isImplemented(symbol: ts.Symbol | undefined): boolean {
    return (
      symbol !== undefined && (symbol.flags & this.#host.ts.SymbolFlags.Interface) !== 0 && this.#implemented(symbol)
    );
  }

  #fields(properties: readonly ts.Symbol[]): ReadonlyMap<string, Type> {
    const { ts } = this.#host;
    const fields = new Map<string, Type>();
    for (const property of properties) {
      if (!(property.flags & ts.SymbolFlags.Property)) continue;
      const name = fieldName(property);
      if (name === undefined) continue;
      fields.set(name, this.ofSymbol(property));
    }
    return fields;
  }
}

/** The run-time name of a field: `#x` for private names; none for symbols. */
export function fieldName(property: ts.Symbol): string | undefined {
  const escaped = property.escapedName as string;
  if (escaped.startsWith("__@")) return undefined;
  const hash = /^__#\d+@(#.*)$/.exec(escaped);
  return hash?.[1] ?? property.name;
}

const unknown = (text: string): Type => ({ kind: "unknown", text });

/** One type for several branches: equal kinds collapse where that loses nothing. */
export function unionOf(types: readonly Type[]): Type {
  const members: Type[] = [];
  let inertMember: Type | undefined;
  for (const type of types) {
    for (const member of type.kind === "union" ? type.members : [type]) {
      if (member.kind === "inert") inertMember ??= member;
      else if (!members.some((other) => same(other, member))) members.push(member);
    }
  }
  if (members.length === 0) return types.length === 1 ? types[0]! : (inertMember ?? inert("never"));
  if (members.length === 1 && inertMember === undefined) return members[0]!;
  return { kind: "union", members: inertMember === undefined ? members : [...members, inertMember] };
}

function same(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === "number" || a.kind === "unknown") return true;
  if (a.kind === "leaf" && b.kind === "leaf") return a.name === b.name;
  if (a.kind === "array" && b.kind === "array") return a.typed === b.typed && same(a.element, b.element);
  return false;
}
