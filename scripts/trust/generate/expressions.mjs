// Expressions of type number, and conditions, over what is in scope. They stay bounded on bounded values.
import { keys, length } from "./prelude.mjs";

export class Expressions {
  constructor(choices, features) {
    this.choices = choices;
    this.features = features;
  }

  index(scope) {
    const { choices } = this;
    return scope.index !== undefined && choices.chance(0.6)
      ? choices.one([scope.index, `(${scope.index} + 1) % ${length}`])
      : `${choices.int(length)}`;
  }

  /** An element of an array, which may be assigned. */
  element(scope) {
    const arrays = scope.floats.length > 0 && this.choices.chance(0.3) ? scope.floats : scope.arrays;
    return `${this.choices.one(arrays)}[${this.index(scope)}]`;
  }

  key() {
    return this.choices.one(keys);
  }

  atom(scope) {
    const { choices } = this;
    const one = (list) => choices.one(list);
    return choices.weighted([
      [32, () => one(scope.numbers)],
      [22, () => this.element(scope)],
      [10, () => `${one(scope.structs)}.${one(["u", "v"])}`],
      [6, () => `${one(scope.structs)}.w[${this.index(scope)}]`],
      [5, () => this.#used("maps", `(${one(scope.maps)}.get(${this.key()}) ?? 0.3)`)],
      [4, () => `fold(${one(scope.arrays)}, ${one(scope.numbers)})`],
      [9, () => choices.constant()],
      ...this.#of(scope.rows, 4, (rows) => `${rows}[${choices.int(2)}][${this.index(scope)}]`),
      ...this.#of(scope.cells, 4, (cell) => `${cell}.${one(["v", "double"])}`),
      ...this.#of(scope.records, 4, (record) => `${record}[${this.key()}]`),
      ...this.#of(scope.lists, 3, (list) => `${list}[${choices.int(2)}].${one(["u", "v"])}`),
      ...this.#of(scope.options, 4, (option) => this.#used("optionals", `(${option}?.k ?? ${one(scope.numbers)})`)),
    ])();
  }

  expression(scope, depth = 2) {
    const { choices } = this;
    if (depth === 0 || choices.chance(0.2)) return this.atom(scope);
    const e = () => this.expression(scope, depth - 1);
    const array = () => choices.one(scope.arrays);
    return choices.weighted([
      [25, () => `(${e()} + ${e()})`],
      [15, () => `(${e()} - ${e()})`],
      [15, () => `${e()} * ${this.atom(scope)}`],
      [7, () => `Math.sin(${e()})`],
      [8, () => `Math.tanh(${e()})`],
      [5, () => `(${e()}) / (1.5 + Math.cos(${this.atom(scope)}))`],
      [5, () => `Math.exp(-Math.abs(${e()}))`],
      [6, () => this.#used("ternaries", `(${this.condition(scope)} ? ${e()} : ${e()})`)],
      [2, () => this.#used("recursion", `power(${e()}, ${choices.int(4)})`)],
      [2, () => this.#used("rest arguments", `total(${e()}, ${this.atom(scope)}, ...${array()})`)],
      [2, () => `table.${choices.one(["soft", "cube"])}(Math.sin(${e()}))`],
      [5, () => `${array()}.${choices.one(["reduce((p, q) => p + q * 0.5, 0)", "slice(1)[0]", "at(-1)!"])}`],
      [3, () => `${array()}.${choices.one(["map((q) => q * 0.5)", "toSorted((p, q) => p - q)", "toReversed()"])}[1]`],
      [2, () => `${array()}.filter((q) => q > ${choices.constant()}).reduce((p, q) => p + q * q, 0.1)`],
      [2, () => `(${array()}.some((q) => q > ${choices.constant()}) ? ${e()} : ${this.atom(scope)})`],
      [4, () => `-(${e()})`],
      ...this.#of(scope.functions, 6, (f) => this.#used("closures", `${f}(${e()})`)),
      ...this.#of(scope.laws, 4, (law) => this.#used("dispatch", `${law}.at(Math.sin(${e()}))`)),
      ...this.#of(scope.shapes, 4, (shape) => this.#used("unions", `area(${shape})`)),
      ...this.#of(scope.cells, 2, (cell) => `Cell.mean(${cell}, ${choices.one(scope.cells)})`),
    ])();
  }

  condition(scope) {
    return `${this.atom(scope)} ${this.choices.one(["<", ">"])} ${this.choices.constant()}`;
  }

  bounded(scope) {
    return `Math.${this.choices.one(["sin", "tanh", "atan"])}(${this.expression(scope)})`;
  }

  /** A choice about something in scope, if there is any. */
  #of(list, weight, text) {
    return list.length === 0 ? [] : [[weight, () => text(this.choices.one(list))]];
  }

  #used(feature, text) {
    this.features.add(feature);
    return text;
  }
}
