// Compiles a batch of generated programs as one module, and compares each with central differences: the gradient in both
// forms, a pullback applied twice and after its arguments were overwritten, the differential, both second derivatives
// (with central differences of the gradient), the primal bit for bit, and what the arguments hold afterwards.
import { agrees, at, difference, differenceAlong, places, text } from "./differences.mjs";
import { argumentsOf, prelude } from "./generate/index.mjs";
import { directionOf, disagreement, modes } from "./modes.mjs";

const operators = "differential, gradient, pullback, valueWithDifferential, valueWithGradient, valueWithPullback";
const head = `import { ${operators} } from "@pullback/autodiff";\n${prelude}`;

/** A program with its operators; those of second order are applied when they are called for, since they may be refused. */
const orders = {
  first: ({ name }) =>
    `export const ${name}_joint = () => valueWithGradient(${name});
export const ${name}_split = () => valueWithPullback(${name});
export const ${name}_jvp = () => valueWithDifferential(${name});
`,
  second: ({ name }) =>
    `export const ${name}_vv = () => pullback(gradient(${name}));
export const ${name}_jv = () => differential(gradient(${name}));
`,
};

/**
 * What came out for every program: `refused` by order, how much was compared, and `problem` where something is wrong.
 * A batch that cannot be compiled or loaded as a whole is taken apart until the one to blame stands alone.
 */
export async function checkBatch(place, programs) {
  let built;
  try {
    built = await compileBatch(place, programs);
  } catch (error) {
    if (programs.length === 1) return [{ refused: {}, problem: error?.stack ?? String(error) }];
    const middle = programs.length >> 1;
    const first = await checkBatch(place, programs.slice(0, middle));
    return [...first, ...(await checkBatch(place, programs.slice(middle)))];
  }
  return programs.map((each, i) => {
    const outcome = { refused: built.refused[i], compared: 0, entries: 0, products: 0, kinked: false };
    try {
      outcome.problem = refusalProblem(outcome) ?? checkFirst(each, built.module, outcome);
      if (outcome.compared > 0) outcome.problem ??= checkSecond(each, built.module, outcome);
    } catch (error) {
      outcome.problem = error?.stack ?? String(error);
    }
    return outcome;
  });
}

async function compileBatch(place, programs) {
  const name = "batch.ts";
  let source = head;
  const ends = programs.map((each) => {
    source += each.text + orders.first(each);
    const first = source.length;
    source += orders.second(each);
    return { first, end: source.length };
  });
  const built = place.compile({ [name]: source });
  const refused = programs.map(() => ({}));
  for (const { code, severity, message, span, notes } of built.plan.diagnostics) {
    if (severity !== "error") continue;
    const spans = [...notes.map((note) => note.span), span].filter((each) => each?.file.endsWith(`/${name}`));
    // The operator that asked stands last in the chain.
    const asked = Math.max(...spans.map((each) => each.start));
    const owner = ends.findIndex(({ end }) => asked < end);
    if (asked < head.length || owner < 0) throw new Error(`${code}: ${message}`);
    refused[owner][asked < ends[owner].first ? "first" : "second"] ??= { code, message };
  }
  return { module: await built.run(name), refused };
}

/** Only what the language does not have may be refused, and with a code. */
function refusalProblem({ refused }) {
  const odd = Object.values(refused).find(({ code }) => !/^PB[1-5]\d{3}$/.test(code) || code === "PB2020");
  return odd === undefined ? undefined : `refused with ${odd.code}: ${odd.message}`;
}

const same = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));
const plain = (value) => {
  if (value instanceof Map) return [...value].map(([key, each]) => [key, plain(each)]);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return [...value].map(plain);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : value;
  return Object.entries(value).map(([key, each]) => [key, plain(each)]);
};

function checkFirst(each, module, outcome) {
  if (outcome.refused.first !== undefined) return undefined;
  const f = module[each.name];
  const args = argumentsOf(each.number);
  const after = args();
  const value = f(...after);
  if (!Number.isFinite(value)) return `the value is ${value}: the generator must not draw such a program`;
  const jointArgs = args();
  const joint = module[`${each.name}_joint`]()(...jointArgs);
  const splitArgs = args();
  const split = module[`${each.name}_split`]()(...splitArgs);
  if (!Object.is(joint.value, value) || !Object.is(split.value, value))
    return `the primal is ${value}, its compiled forms gave ${joint.value} and ${split.value}`;
  if (!same(after, jointArgs) || !same(after, splitArgs))
    return `the arguments end up as ${JSON.stringify([after, jointArgs, splitArgs].map(plain))}`;
  overwrite(splitArgs);
  const forms = { gradient: joint.gradient, pullback: split.pullback(1), "pullback again": split.pullback(1) };
  for (const path of places(args())) {
    const expected = difference(f, args, path);
    if (expected === undefined) {
      outcome.kinked = true;
      continue;
    }
    for (const [form, tangent] of Object.entries(forms)) {
      if (!agrees(at(tangent, path), expected))
        return `${form} at ${text(path)} is ${at(tangent, path)}, central differences give ${expected}`;
    }
    outcome.entries++;
  }
  const direction = directionOf(joint.gradient, args(), each.number + 1);
  const slope = differenceAlong(f, args, direction);
  const { value: again, differential } = module[`${each.name}_jvp`]()(...args());
  if (!Object.is(again, value)) return `the primal is ${value}, forward mode gave ${again}`;
  const tangent = differential(...direction);
  if (slope !== undefined && !agrees(tangent, slope))
    return `the differential is ${tangent}, central differences give ${slope}`;
  outcome.compared = 1;
  return undefined;
}

/** A pullback answers for the point where it was made, whatever its arguments hold by now. */
function overwrite(value) {
  if (value instanceof Map) for (const key of value.keys()) value.set(key, overwrite(value.get(key)));
  else if (typeof value === "object" && value !== null)
    for (const key of Object.keys(value)) value[key] = overwrite(value[key]);
  return typeof value === "number" ? 99 : value;
}

/** Both second derivatives along one direction. */
function checkSecond(each, module, outcome) {
  if (outcome.refused.second !== undefined) return undefined;
  const joint = module[`${each.name}_joint`]();
  const make = argumentsOf(each.number);
  const gradient = (args) => joint(...args).gradient;
  const direction = directionOf(gradient(make()), make(), each.number + 1);
  for (const [suffix, mode] of [
    ["vv", modes[1]],
    ["jv", modes[2]],
  ]) {
    const compiled = module[`${each.name}_${suffix}`]();
    const entries = mode.check({ compiled, gradient, make, direction, bare: (tangent) => tangent });
    const usable = entries.filter(({ expected }) => expected !== undefined);
    const wrong = disagreement(usable);
    if (wrong !== undefined) return `${mode.name}: ${wrong}`;
    outcome.products += usable.length;
  }
  return undefined;
}
