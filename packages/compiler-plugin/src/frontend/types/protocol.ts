/** Which protocol keys of @pullback/autodiff a type has: brands, the vector of a leaf, the derivative of a function. */
import type ts from "typescript";
import type { TypeHost } from "../host/index.ts";

export type ProtocolKey = "noDerivative" | "int" | "vector" | "derivative" | "manifold";

/** Properties under unique symbols have escaped names of this form, `name` being that of the symbol's variable. */
const uniqueSymbolName = /^__@(noDerivative|int|vector|derivative|manifold)@/;

export class Protocol {
  readonly #host: TypeHost;
  readonly #known = new Map<ts.Symbol, boolean>();

  constructor(host: TypeHost) {
    this.#host = host;
  }

  keys(properties: readonly ts.Symbol[]): ReadonlySet<ProtocolKey> {
    let found: Set<ProtocolKey> | undefined;
    for (const property of properties) {
      const match = uniqueSymbolName.exec(property.escapedName as string);
      if (match === null || !this.#isAutodiff(property)) continue;
      found ??= new Set();
      found.add(match[1] as ProtocolKey);
    }
    return found ?? none;
  }

  /** The key is written `[vector]`, and `vector` is the export of autodiff. */
  #isAutodiff(property: ts.Symbol): boolean {
    let known = this.#known.get(property);
    if (known === undefined) {
      const { ts } = this.#host;
      known = (property.declarations ?? []).some((declaration) => {
        const name = ts.getNameOfDeclaration(declaration);
        if (name === undefined || !ts.isComputedPropertyName(name)) return false;
        return this.#host.autodiffName(this.#host.symbolOf(name.expression)) !== undefined;
      });
      this.#known.set(property, known);
    }
    return known;
  }
}

const none: ReadonlySet<ProtocolKey> = new Set();
