// Random programs in the differentiable language, from a seed: loops, array writes, structs, closures, aliases, calls
// that change their arguments, classes, Maps, unions, exits. Values stay bounded and array indices in range, so that every
// program runs.

import { loops } from "./loops.mjs";
import { parameters } from "./prelude.mjs";
import { Choices } from "./random.mjs";
import { outermost } from "./scope.mjs";
import { Statements } from "./statements.mjs";

export { argumentsOf, prelude } from "./prelude.mjs";
export { random } from "./random.mjs";

/** Program `number` of a seed: one function `name(x, y, a, s, m)` with the features that it has. */
export function program(name, seed, number) {
  const choices = new Choices(seed * 1_000_003 + number);
  const features = new Set();
  const statements = new Statements(choices, features);
  const scope = outermost();
  const body = [
    statements.block(scope, 1, 1 + choices.int(3)),
    choices.one(loops(statements, scope, 2))(),
    statements.block(scope, 1, 1 + choices.int(2)),
  ].join("\n  ");
  const result = `${statements.expression(scope)} + ${statements.atom(scope)} * 0.5 + s.u * a[1]`;
  return {
    name,
    number,
    features,
    text: `export function ${name}(${parameters}): number {\n  ${body}\n  return ${result};\n}\n`,
  };
}
