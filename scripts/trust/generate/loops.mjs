// Loops of every kind, nested, with exits: break, continue, and the same with the label of an outer loop.
import { length } from "./prelude.mjs";
import { inside } from "./scope.mjs";

export const loops = (g, scope, depth) => [
  () => {
    g.features.add("loops");
    if (scope.labels.length > 0) g.features.add("nested loops");
    const body = inside(scope);
    const [i, label] = [g.named("i"), g.named("loop", body.labels)];
    const within = kinds(g, scope, body, i);
    const inner = () => g.block(body, depth - 1, 1 + g.choices.int(2));
    const exit = () => {
      if (!g.choices.chance(0.25)) return "";
      const target = g.choices.chance(0.3) ? ` ${g.choices.one(body.labels)}` : "";
      return g.feature("loop exits", `if (${g.condition(body)}) ${g.choices.one(["break", "continue"])}${target}; `);
    };
    const { before = "", head, after = "" } = g.choices.one(within)();
    const text = `${exit()}${inner()}`;
    // The counter is counted first, so that `continue` does not skip it.
    const [step, rest] = head.startsWith("for") ? ["", head] : [`${i}++; `, head];
    return `${before}${label}: ${rest} { ${step}${text} }${after}`;
  },
];

const kinds = (g, scope, body, i) => {
  const counted = () => {
    body.index = i;
    return { head: `for (let ${i} = 0; ${i} < ${length}; ${i}++)` };
  };
  const before = `let ${i} = 0; `;
  return [
    counted,
    counted,
    () => {
      const over = g.choices.one(scope.arrays);
      return { head: `for (const ${g.named("e", body.numbers)} of ${over})` };
    },
    () => ({ before, head: `while (${i} < ${length})` }),
    () => ({ before, head: "do", after: ` while (${i} < 2);` }),
  ];
};
