// Compiles random programs and compares what their derivatives say with central differences: the gradient in both
// forms, a pullback applied twice and after its arguments were overwritten, the differential, both second derivatives
// (with central differences of the gradient), the primal bit for bit, and what the arguments hold afterwards. Every
// refusal must carry a code.
//
//   node scripts/trust/random-programs.mjs [--count 10000] [--seed 1] [--from 0] [--show 10] [--first-order]
import { parseArgs } from "node:util";
import { Workplace } from "./compile.mjs";
import { agrees, at, difference, differenceAlong, places, text } from "./differences.mjs";
import { prelude, program, random } from "./generate.mjs";
import { directionOf, disagreement, modes } from "./modes.mjs";

const { values: options } = parseArgs({
  options: {
    count: { type: "string" },
    seed: { type: "string" },
    from: { type: "string" },
    show: { type: "string" },
    "first-order": { type: "boolean" },
  },
});
const count = Number(options.count ?? 10_000);
const first = Number(options.from ?? 0);
const seed = Number(options.seed ?? 1);
const perModule = 100;

const orders = options["first-order"] === true ? ["first"] : ["first", "second"];
const totals = { programs: 0, compared: 0, entries: 0, refused: 0, kinks: 0, second: 0, products: 0 };
const secondRefusals = {};
const featureCounts = {};
const refusals = {};
const failures = [];
const report = (each, problem) => failures.push(`${each.name}: ${problem}\n${each.text}`);

/** Fresh arguments of a program, from its own numbers. */
function argumentsOf(number) {
  const next = random(number * 7919 + 17);
  const value = () => Math.round((next() * 3 - 1.5) * 1000) / 1000;
  const list = () => [value(), value(), value()];
  const [x, y, a, u, v, w] = [value(), value(), list(), value(), value(), list()];
  return () => [x, y, [...a], { u, v, w: [...w] }];
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function check(each, module) {
  const f = module[each.name];
  const args = argumentsOf(each.number);
  const plain = args();
  const value = f(...plain);
  if (!Number.isFinite(value)) return;
  const jointArgs = args();
  const joint = module[`${each.name}_joint`](...jointArgs);
  const splitArgs = args();
  const split = module[`${each.name}_split`](...splitArgs);
  if (!Object.is(joint.value, value) || !Object.is(split.value, value)) {
    report(each, `the primal is ${value}, its compiled forms gave ${joint.value} and ${split.value}`);
    return;
  }
  if (!same(plain, jointArgs) || !same(plain, splitArgs)) {
    report(each, `the arguments end up as ${JSON.stringify([plain, jointArgs, splitArgs])}`);
    return;
  }
  splitArgs[2].fill(99);
  splitArgs[3].v = 99;
  const forms = { gradient: joint.gradient, pullback: split.pullback(1), "pullback again": split.pullback(1) };
  let kinked = false;
  for (const place of places(args())) {
    const expected = difference(f, args, place);
    if (expected === undefined) {
      kinked = true;
      continue;
    }
    for (const [form, tangent] of Object.entries(forms)) {
      if (agrees(at(tangent, place), expected)) continue;
      report(each, `${form} at ${text(place)} is ${at(tangent, place)}, central differences give ${expected}`);
      return;
    }
    totals.entries++;
  }
  const direction = directionOf(joint.gradient, args(), each.number + 1);
  const slope = differenceAlong(f, args, direction);
  const { value: again, differential } = module[`${each.name}_jvp`](...args());
  if (!Object.is(again, value)) report(each, `the primal is ${value}, forward mode gave ${again}`);
  else if (slope !== undefined && !agrees(differential(...direction), slope))
    report(each, `the differential is ${differential(...direction)}, central differences give ${slope}`);
  if (kinked) totals.kinks++;
  totals.compared++;
}

/** Both second derivatives along one direction. */
function checkSecond(each, module, gradientOf) {
  const make = argumentsOf(each.number);
  const gradient = (args) => gradientOf(...args).gradient;
  if (!Number.isFinite(module[each.name](...make()))) return;
  const direction = directionOf(gradient(make()), make(), each.number + 1);
  for (const [suffix, mode] of [
    ["vv", modes[1]],
    ["jv", modes[2]],
  ]) {
    const compiled = module[`${each.name}_${suffix}`];
    const entries = mode.check({ compiled, gradient, make, direction, bare: (tangent) => tangent });
    const wrong = disagreement(entries.filter(({ expected }) => expected !== undefined));
    if (wrong !== undefined) report(each, `${mode.name}: ${wrong}`);
    totals.products += entries.length;
  }
  totals.second++;
}

const forms = {
  first: (name) =>
    `export const ${name}_joint = valueWithGradient(${name});\nexport const ${name}_split = valueWithPullback(${name});\nexport const ${name}_jvp = valueWithDifferential(${name});\n`,
  second: (name) =>
    `export const ${name}_vv = pullback(gradient(${name}));\nexport const ${name}_jv = differential(gradient(${name}));\n`,
};
const head = `import { differential, gradient, pullback, valueWithDifferential, valueWithGradient, valueWithPullback } from "@pullback/autodiff";\n${prelude}`;

/** Compiles programs with the operators of one order, without those that are refused; the answer tells which were. */
function compileOrder(place, name, programs, order) {
  const texts = programs.map((each) => `${each.text}${forms[order](each.name)}`);
  const build = () => place.compile({ [name]: head + texts.join("") });
  let built = build();
  const starts = texts.map((_, i) => texts.slice(0, i).reduce((sum, text) => sum + text.length, head.length));
  const refused = new Map();
  for (const { code, severity, message, span, notes } of built.plan.diagnostics) {
    if (severity !== "error") continue;
    const spans = [...notes.map((note) => note.span), span].filter((s) => s?.file.endsWith(name));
    const owner = spans.map((s) => starts.findLastIndex((start) => start <= s.start)).find((i) => i >= 0);
    if (owner === undefined) throw new Error(`${code}: ${message}`);
    refused.set(owner, { code, message });
  }
  for (const owner of refused.keys()) texts[owner] = "";
  if (refused.size > 0) built = build();
  return { run: () => built.run(name), refused };
}

async function checkModule(from, size) {
  const programs = Array.from({ length: size }, (_, i) => ({
    ...program(`p${from + i}`, seed * 1_000_003 + from + i),
    number: from + i,
  }));
  const place = new Workplace();
  try {
    const first = compileOrder(place, `m${from}.ts`, programs, "first");
    for (const [owner, { code, message }] of first.refused) {
      refusals[code] = (refusals[code] ?? 0) + 1;
      totals.refused++;
      if (!/^PB[1-5]\d{3}$/.test(code) || code === "PB2020")
        report(programs[owner], `refused with ${code}: ${message}`);
    }
    const module = await first.run();
    const attempt = (each, work) => {
      try {
        work();
      } catch (error) {
        report(each, error?.stack ?? String(error));
      }
    };
    programs.forEach((each, i) => {
      totals.programs++;
      for (const feature of each.features) featureCounts[feature] = (featureCounts[feature] ?? 0) + 1;
      if (!first.refused.has(i)) attempt(each, () => check(each, module));
    });
    if (!orders.includes("second")) return;
    const usable = programs.filter((_, i) => !first.refused.has(i));
    const second = compileOrder(place, `m${from}_second.ts`, usable, "second");
    for (const { code } of second.refused.values()) secondRefusals[code] = (secondRefusals[code] ?? 0) + 1;
    const again = await second.run();
    usable.forEach((each, i) => {
      if (!second.refused.has(i)) attempt(each, () => checkSecond(each, again, module[`${each.name}_joint`]));
    });
  } finally {
    place.remove();
  }
}

const started = Date.now();
for (let from = first; from < first + count; from += perModule) {
  await checkModule(from, Math.min(perModule, first + count - from));
}
const share = (n) => `${n} (${((100 * n) / totals.programs).toFixed(1)} %)`;
console.log(`${totals.programs} programs from seed ${seed} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
for (const [feature, n] of Object.entries(featureCounts).sort()) console.log(`  with ${feature}: ${share(n)}`);
console.log(
  `  compared with central differences: ${totals.compared} programs, ${totals.entries} derivatives, four forms of each`,
);
if (orders.includes("second"))
  console.log(
    `  second derivatives compared: ${totals.second} programs, ${totals.products} entries; refused: ${JSON.stringify(secondRefusals)}`,
  );
console.log(`  next to a kink in some direction, which is left out: ${totals.kinks}`);
console.log(`  refused: ${totals.refused} ${JSON.stringify(refusals)}`);
console.log(`  wrong: ${failures.length}`);
for (const failure of failures.slice(0, Number(options.show ?? 10))) console.error(`\n${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
