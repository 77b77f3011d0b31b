/** Who implements what: which methods a call through an interface, abstract class or overridden method may reach. */
import type ts from "typescript";
import type { TypeHost } from "../host/index.ts";
import type { FileIndex } from "./file-index.ts";

export class Hierarchy {
  readonly #host: TypeHost;
  readonly #indices: () => Iterable<FileIndex>;
  /** Classes and interfaces that name a symbol in their heritage clauses. */
  #direct: Map<ts.Symbol, ts.Symbol[]> | undefined;
  /** Accessors of all classes by their names. */
  #accessors: Map<string, ts.Declaration[]> | undefined;
  readonly #classes = new Map<ts.Symbol, readonly ts.ClassLikeDeclaration[]>();

  constructor(host: TypeHost, indices: () => Iterable<FileIndex>) {
    this.#host = host;
    this.#indices = indices;
  }

  /** The classes of the program that derive from a class or interface, itself excluded. */
  derived(base: ts.Symbol): readonly ts.ClassLikeDeclaration[] {
    const known = this.#classes.get(base);
    if (known !== undefined) return known;
    this.#direct ??= this.#build();
    const seen = new Set<ts.Symbol>([base]);
    const found: ts.ClassLikeDeclaration[] = [];
    const queue = [base];
    for (let symbol = queue.pop(); symbol !== undefined; symbol = queue.pop()) {
      for (const child of this.#direct.get(symbol) ?? []) {
        if (seen.has(child)) continue;
        seen.add(child);
        queue.push(child);
        const declaration = child.declarations?.find((d) => this.#host.ts.isClassLike(d));
        if (declaration !== undefined) found.push(declaration as ts.ClassLikeDeclaration);
      }
    }
    this.#classes.set(base, found);
    return found;
  }

  /** What the classes derived from `base` have under a member's name: methods, accessors, fields. */
  members(base: ts.Symbol, name: string): ReadonlySet<ts.Declaration> {
    const { checker } = this.#host;
    const found = new Set<ts.Declaration>();
    for (const derived of this.derived(base)) {
      const property = checker.getPropertyOfType(checker.getTypeAtLocation(derived), name);
      for (const declaration of property?.declarations ?? []) found.add(declaration);
    }
    return found;
  }

  /** The accessors of a name in classes whose instances fit a type, whether they say that they implement it or not. */
  accessors(type: ts.Type, name: string): readonly ts.Declaration[] {
    const { ts, checker } = this.#host;
    this.#accessors ??= this.#byName();
    return (this.#accessors.get(name) ?? []).filter((accessor) => {
      const owner = checker.getTypeAtLocation(accessor.parent);
      return ts.isClassLike(accessor.parent) && checker.isTypeAssignableTo(owner, type);
    });
  }

  #byName(): Map<string, ts.Declaration[]> {
    const { ts } = this.#host;
    const found = new Map<string, ts.Declaration[]>();
    for (const index of this.#indices()) {
      for (const { members } of index.classes) {
        for (const member of members) {
          if (!ts.isGetAccessor(member) && !ts.isSetAccessor(member)) continue;
          if (!ts.isIdentifier(member.name)) continue;
          const { text } = member.name;
          found.set(text, [...(found.get(text) ?? []), member]);
        }
      }
    }
    return found;
  }

  #build(): Map<ts.Symbol, ts.Symbol[]> {
    const direct = new Map<ts.Symbol, ts.Symbol[]>();
    for (const index of this.#indices()) {
      for (const node of [...index.classes, ...index.interfaces]) {
        const symbol = this.#symbolOf(node);
        if (symbol === undefined) continue;
        for (const clause of node.heritageClauses ?? []) {
          for (const { expression } of clause.types) {
            const base = this.#host.symbolOf(expression);
            if (base === undefined) continue;
            const children = direct.get(base);
            if (children === undefined) direct.set(base, [symbol]);
            else children.push(symbol);
          }
        }
      }
    }
    return direct;
  }

  #symbolOf(node: ts.ClassLikeDeclaration | ts.InterfaceDeclaration): ts.Symbol | undefined {
    return node.name !== undefined ? this.#host.symbolOf(node.name) : this.#host.checker.getTypeAtLocation(node).symbol;
  }
}
