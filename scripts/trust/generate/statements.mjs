// Statements: assignments, aliases, closures, writes into everything that holds numbers, branches and exits.
import { Expressions } from "./expressions.mjs";
import { loops } from "./loops.mjs";
import { length } from "./prelude.mjs";
import { inside } from "./scope.mjs";

export class Statements extends Expressions {
  #fresh = 0;

  /** A new name, known in `list` from then on. */
  named(stem, ...lists) {
    const name = `${stem}${this.#fresh++}`;
    for (const list of lists) list.push(name);
    return name;
  }

  /** A declaration: its right-hand side sees the scope as it was before. */
  declare(stem, lists, text) {
    const right = text();
    const name = this.named(stem, ...lists);
    return `const ${name}${right.startsWith(":") ? "" : " = "}${right};`;
  }

  block(scope, depth, size) {
    return Array.from({ length: size }, () => this.statement(scope, depth)).join(" ");
  }

  /** What stands in a branch or in the body of a loop. */
  body(scope, depth) {
    return this.block(inside(scope), depth - 1, 1 + this.choices.int(2));
  }

  statement(scope, depth) {
    const { choices } = this;
    const kinds = [
      [10, numbers],
      [13, arrayWrites],
      [9, structs],
      [10, aliases],
      [6, arrays],
      [9, closures],
      [5, classes],
      [5, maps],
      [3, typedArrays],
      [3, unions],
      [3, tuples],
      [2, calls],
      ...(depth === 0
        ? []
        : [
            [8, branches],
            [3, switches],
            [3, tries],
            [8, loops],
            [3, exits],
          ]),
    ];
    return choices.one(choices.weighted(kinds)(this, scope, depth))();
  }

  feature(name, text) {
    this.features.add(name);
    return text;
  }
}

const numbers = (g, scope) => [
  () => {
    const right = g.expression(scope);
    return `let ${g.named("t", scope.numbers, scope.lets)} = ${right};`;
  },
  () => `${g.choices.one(scope.lets)} ${g.choices.one(["=", "+=", "-=", "*="])} ${g.bounded(scope)};`,
];

const arrayWrites = (g, scope) => [
  () => g.feature("array writes", `${g.element(scope)} ${g.choices.one(["=", "=", "+=", "*="])} ${g.bounded(scope)};`),
];

const structs = (g, scope) => {
  const one = () => g.choices.one(scope.structs);
  const used = (text) => g.feature("structs", text);
  return [
    () => used(`${one()}.${g.choices.one(["u", "v"])} ${g.choices.one(["=", "+="])} ${g.bounded(scope)};`),
    () => used(`${one()}.w[${g.index(scope)}] = ${g.bounded(scope)};`),
    () => used(g.declare("s", [scope.structs], () => `{ ...${one()}, u: ${g.expression(scope)} }`)),
    () => {
      const fields = () => `u: ${g.expression(scope)}, v: ${g.atom(scope)}, w: [...${g.choices.one(scope.arrays)}]`;
      return used(g.declare("s", [scope.structs], () => `: S = { ${fields()} }`));
    },
    () => g.feature("mutated struct arguments", used(`mix(${one()}, ${g.expression(scope, 1)});`)),
    () => {
      const from = one();
      const [u, v] = [g.named("t", scope.numbers), g.named("t", scope.numbers)];
      return g.feature("destructuring", `const { u: ${u}, v: ${v} = 0 } = ${from};`);
    },
    () => {
      const right = `${g.condition(scope)} ? { k: ${g.expression(scope, 1)} } : undefined`;
      return `const ${g.named("o", scope.options)}: { k?: number } | undefined = ${right};`;
    },
  ];
};

const aliases = (g, scope) => {
  const array = () => g.choices.one(scope.arrays);
  const struct = () => g.choices.one(scope.structs);
  const used = (text) => g.feature("aliases", text);
  return [
    () => used(g.declare("b", [scope.arrays], array)),
    () => used(g.declare("b", [scope.arrays], () => `${struct()}.w`)),
    () => used(`${struct()}.w = ${array()};`),
    () => {
      const declared = g.declare("r", [scope.rows], () => `[${array()}, ${array()}]`);
      return used(`${declared} ${scope.rows.at(-1)}[${g.choices.int(2)}][${g.index(scope)}] = ${g.bounded(scope)};`);
    },
    () => used(g.declare("s", [scope.structs], () => `pick(${struct()}, ${struct()}, ${g.condition(scope)})`)),
    () => used(g.declare("b", [scope.arrays], () => `${g.condition(scope)} ? ${array()} : ${array()}`)),
    () => {
      const declared = g.declare("l", [scope.lists], () => `[${struct()}, { ...${struct()}, v: ${g.atom(scope)} }]`);
      return used(`${declared} for (const e of ${scope.lists.at(-1)}) e.u = ${g.bounded(scope)} + e.v;`);
    },
    () => used(g.declare("m", [scope.maps], () => g.choices.one(scope.maps))),
  ];
};

const arrays = (g, scope) => {
  const array = () => g.choices.one(scope.arrays);
  const e = () => g.expression(scope, 1);
  const declared = (text) => () => g.declare("b", [scope.arrays], text);
  const builder = (entry) => () => {
    const right = `Math.sin(${e()} + k)`;
    const name = g.named("b", scope.arrays);
    return `const ${name}: number[] = []; for (let k = 0; k < ${length}; k++) ${entry(name, right)};`;
  };
  return [
    declared(() => `${array()}.map((q, k) => q * ${e()} + k * 0.1)`),
    declared(() => `[${e()}, ${g.atom(scope)}, ${g.atom(scope)}]`),
    declared(() => `Array.from({ length: ${length} }, (_, k) => ${array()}[k] * ${e()})`),
    declared(() => `scale([...${array()}], ${g.atom(scope)})`),
    declared(() => `${array()}.slice(0, 1).concat([${e()}, ${g.atom(scope)}])`),
    declared(() => `${array()}.with(${g.choices.int(length)}, ${e()})`),
    declared(() => `${array()}.flatMap((q) => (q > 9 ? [] : [q * ${g.atom(scope)}]))`),
    declared(() => `new Array<number>(${length}).fill(${e()})`),
    declared(() => `[...${array()}].${g.choices.one(["reverse()", "sort((p, q) => q - p)"])}`),
    builder((name, right) => `${name}.push(${right})`),
    builder((name, right) => `${name}[k] = ${right}`),
    () => `{ const top = ${array()}; top.push(${e()}); ${g.choices.one(scope.lets)} += top.pop()! * 0.5; }`,
  ];
};

const closures = (g, scope) => {
  const used = (text) => g.feature("closures", text);
  const writing = (text) => g.feature("closures that write what they capture", used(text));
  const literal = (text) => used(g.declare("f", [scope.functions], text));
  const array = () => g.choices.one(scope.arrays);
  return [
    () => literal(() => `(q: number) => q * ${g.expression(scope, 1)} + ${g.atom(scope)}`),
    () => writing(literal(() => `(q: number) => { ${g.choices.one(scope.lets)} += Math.sin(q); return q * 0.5; }`)),
    () =>
      writing(
        literal(() => {
          const write = `${array()}[${g.choices.int(length)}] = Math.tanh(q + ${g.atom(scope)});`;
          return `(q: number) => { ${write} return ${g.atom(scope)}; }`;
        }),
      ),
    () => literal(() => `((k: number) => (q: number) => q * k + ${g.atom(scope)})(${g.expression(scope, 1)})`),
    () => writing(`${array()}.forEach((q, k) => { ${g.choices.one(scope.lets)} += Math.sin(q * (k + 1)); });`),
    ...(scope.functions.length === 0
      ? []
      : Array(4).fill(() => {
          const right = `${g.choices.one(scope.functions)}(${g.expression(scope, 1)})`;
          return used(`const ${g.named("t", scope.numbers)} = ${right};`);
        })),
  ];
};

const classes = (g, scope) => {
  const used = (text) => g.feature("classes", text);
  const e = () => g.expression(scope, 1);
  const cell = () => g.choices.one(scope.cells);
  return [
    () => used(g.declare("c", [scope.cells], () => `new Cell(${e()})`)),
    () => used(g.declare("c", [scope.cells], () => `: Cell = new Leaky(${e()}, ${g.atom(scope)})`)),
    () => {
      const right = g.atom(scope);
      const declared = g.declare(
        "w",
        [scope.laws],
        () => `: Law = ${g.condition(scope)} ? new Wave(${e()}) : new Decay(${e()})`,
      );
      return g.feature(
        "dispatch",
        used(`${declared} ${g.choices.one(scope.lets)} += ${scope.laws.at(-1)}.at(${right});`),
      );
    },
    ...(scope.cells.length === 0
      ? []
      : [
          () => used(`${g.choices.one(scope.lets)} += ${cell()}.step(${e()});`),
          () => used(`${cell()}.half = ${e()};`),
          () => used(`${cell()}.v ${g.choices.one(["=", "+="])} ${g.bounded(scope)};`),
          () => g.feature("aliases", g.declare("c", [scope.cells], cell)),
        ]),
  ];
};

const maps = (g, scope) => {
  const map = () => g.choices.one(scope.maps);
  const used = (text) => g.feature("maps", text);
  const record = () => g.choices.one(scope.records);
  return [
    () => used(`${map()}.set(${g.key()}, ${g.bounded(scope)});`),
    () => used(`for (const e of ${map()}.values()) ${g.choices.one(scope.lets)} += Math.sin(e);`),
    () => used(`for (const [key, e] of ${map()}) if (key !== "q") ${g.choices.one(scope.lets)} += e * 0.5;`),
    () =>
      used(g.declare("m", [scope.maps], () => `new Map([["p", ${g.expression(scope, 1)}], ["q", ${g.atom(scope)}]])`)),
    () => {
      const right = `{ p: ${g.expression(scope, 1)}, q: ${g.atom(scope)} }`;
      return g.feature("records", `const ${g.named("d", scope.records)}: Record<string, number> = ${right};`);
    },
    ...(scope.records.length === 0
      ? []
      : [
          () => g.feature("records", `${record()}[${g.key()}] ${g.choices.one(["=", "+="])} ${g.bounded(scope)};`),
          () =>
            g.feature(
              "records",
              `for (const e of Object.values(${record()})) ${g.choices.one(scope.lets)} += Math.sin(e);`,
            ),
        ]),
  ];
};

const typedArrays = (g, scope) => {
  const used = (text) => g.feature("typed arrays", text);
  return [
    () => used(g.declare("h", [scope.floats], () => `Float64Array.from(${g.choices.one(scope.arrays)})`)),
    () => {
      const right = g.bounded(scope);
      const name = g.named("h", scope.floats);
      return used(`const ${name} = new Float64Array(${length}); ${name}[${g.choices.int(length)}] = ${right};`);
    },
  ];
};

const unions = (g, scope) => {
  const used = (text) => g.feature("unions", text);
  const e = () => g.expression(scope, 1);
  return [
    () => {
      const [disc, box] = [`{ kind: "disc", r: ${e()} }`, `{ kind: "box", w: ${e()}, h: ${g.atom(scope)} }`];
      return used(g.declare("q", [scope.shapes], () => `: Shape = ${g.condition(scope)} ? ${disc} : ${box}`));
    },
    ...(scope.shapes.length === 0
      ? []
      : [
          () => {
            const shape = g.choices.one(scope.shapes);
            return used(
              `if (${shape}.kind === "disc") ${shape}.r += ${g.bounded(scope)}; else ${shape}.w = ${g.atom(scope)};`,
            );
          },
        ]),
  ];
};

const tuples = (g, scope) => [
  () => {
    const right = `[${g.expression(scope, 1)}, ${g.atom(scope)}]`;
    const [p, q] = [g.named("t", scope.numbers), g.named("t", scope.numbers)];
    return g.feature("tuples", `const [${p}, ${q}]: [number, number] = ${right};`);
  },
  () => {
    const [p, q] = [g.choices.one(scope.lets), g.choices.one(scope.lets)];
    return p === q ? `${p} = ${g.bounded(scope)};` : g.feature("tuples", `[${p}, ${q}] = [${q} * 0.5, ${p}];`);
  },
  () => {
    const from = g.choices.one(scope.arrays);
    const [p, q] = [g.named("t", scope.numbers), g.named("b")];
    return g.feature("destructuring", `const [${p}, ...${q}] = ${from}; ${g.choices.one(scope.lets)} += ${q}[1];`);
  },
];

const calls = (g, scope) => [
  () => `put(${g.choices.one(scope.arrays)}, ${g.index(scope)}, ${g.expression(scope, 1)});`,
  () => g.feature("recursion", `${g.choices.one(scope.lets)} += descend(${g.choices.one(scope.arrays)}, 0);`),
];

const branches = (g, scope, depth) => [
  () => `if (${g.condition(scope)}) { ${g.body(scope, depth)} }`,
  () => `if (${g.condition(scope)}) { ${g.body(scope, depth)} } else { ${g.body(scope, depth)} }`,
];

const switches = (g, scope, depth) => [
  () => {
    const exit = () => (g.choices.chance(0.7) ? " break;" : "");
    const cases = [0, 1].map((k) => `case ${k}: { ${g.body(scope, depth)}${exit()} }`).join(" ");
    return g.feature("switch", `switch (bin(${g.atom(scope)})) { ${cases} default: { ${g.body(scope, depth)} } }`);
  },
];

const tries = (g, scope, depth) => [
  () => {
    const tried = `${g.choices.one(scope.lets)} = guarded(${g.expression(scope)}) * ${g.atom(scope)};`;
    const last = g.choices.chance(0.3) ? ` finally { ${g.choices.one(scope.lets)} += 0.25; }` : "";
    return g.feature("exceptions", `try { ${tried} } catch { ${g.body(scope, depth)} }${last}`);
  },
];

const exits = (g, scope) => [
  () => g.feature("early returns", `if (${g.condition(scope)}) return ${g.bounded(scope)};`),
];
