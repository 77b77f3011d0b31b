/** Names of the functions that a file's derivatives become. */
import type { PlannedVariant } from "./plan.ts";

export interface VariantNames {
  readonly joint: string;
  readonly forward: string;
  readonly backward: string;
}

/** Gives every variant names that neither the file nor another variant uses. */
export class Names {
  readonly #source: string;
  readonly #taken = new Set<string>();
  readonly #given = new Map<PlannedVariant, VariantNames>();

  constructor(source: string) {
    this.#source = source;
  }

  /** `f$gradient`, `f$forward`, `f$backward`; the mask is appended when it is not the full one. */
  of(variant: PlannedVariant, fullMask: string): VariantNames {
    const known = this.#given.get(variant);
    if (known !== undefined) return known;
    const base = variant.derived.name.replace(/[^\w$]+/g, "$").replace(/^(?=\d)/, "_");
    const ending = variant.mask === fullMask ? "" : `$${variant.mask}`;
    for (let attempt = 1; ; attempt++) {
      const stem = attempt === 1 ? base : `${base}_${attempt}`;
      const names = {
        joint: `${stem}$gradient${ending}`,
        forward: `${stem}$forward${ending}`,
        backward: `${stem}$backward${ending}`,
      };
      const all = Object.values(names);
      if (all.some((name) => this.#taken.has(name) || this.#source.includes(name))) continue;
      for (const name of all) this.#taken.add(name);
      this.#given.set(variant, names);
      return names;
    }
  }
}
