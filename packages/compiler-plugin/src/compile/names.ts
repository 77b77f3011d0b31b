/** Names of the functions that a file's derivatives become. */
import type { VariantNames } from "../emit/index.ts";
import type { PlannedVariant } from "./plan.ts";

/** Gives every variant names that neither the file nor another variant uses. */
export class Names {
  readonly #source: string;
  readonly #taken = new Set<string>();
  readonly #given = new Map<PlannedVariant, Required<VariantNames>>();

  constructor(source: string) {
    this.#source = source;
  }

  /** `f$gradient`, `f$forward`, `f$backward`, `f$jvp`; the mask is appended when it is not the full one. */
  of(variant: PlannedVariant, fullMask: string): Required<VariantNames> {
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
        jvp: `${stem}$jvp${ending}`,
      };
      const all = Object.values(names);
      if (all.some((name) => this.#taken.has(name) || this.#source.includes(name))) continue;
      for (const name of all) this.#taken.add(name);
      this.#given.set(variant, names);
      return names;
    }
  }
}
