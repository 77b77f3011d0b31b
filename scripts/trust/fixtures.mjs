// Runs the fixtures of the compiler: every `fixtures/<construct>.ts` is compiled in each mode, its derivative printed, its
// gradient (both forms), its differential and its second derivatives compared with central differences at the points
// that it names; or it is refused with the code that it names. What came out must be what `<construct>.expect.md` says.
//
//   node scripts/trust/fixtures.mjs [--update] [construct…]
//
// With --update the expectations, docs/language.md and docs/diagnostics/ are written anew. A wrong derivative fails
// either way. In a fixture, `// title:` names the construct, `// at: …` above a function gives arguments for it,
// `// beside: PB…` names what its fix does not mend, `// refused: PB…` says that the program must not compile, `// warned: PB…` that it compiles with a warning, `// check: none` that its derivative is not that of its
// value (it says otherwise on purpose).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compiler, formatDiagnostic, load, root, Workplace } from "./compile.mjs";
import { agrees, at, difference, places, text } from "./differences.mjs";
import { directionOf, disagreement, modes } from "./modes.mjs";

const { values: options, positionals } = parseArgs({
  options: { update: { type: "boolean" } },
  allowPositionals: true,
});
const folder = join(root, "packages", "compiler-plugin", "fixtures");
const { codes } = await load("check/codes.js");

const wanted = (name) => positionals.length === 0 || positionals.includes(name);
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => {
    const name = file.slice(0, -3);
    const source = readFileSync(join(folder, file), "utf8");
    const line = (key) => source.match(new RegExp(`^// ${key}: (.*)$`, "m"))?.[1];
    const points = [...source.matchAll(/^\/\/ at: (.*)$/gm)].map((match) => match[1]);
    return {
      name,
      source,
      points,
      title: line("title") ?? name,
      refused: line("refused"),
      warned: line("warned"),
      unchecked: line("check") === "none",
      beside: line("beside"),
    };
  })
  .filter(({ name }) => wanted(name));

const problems = [];
const place = new Workplace();
const rounded = (x) => Number(x.toPrecision(6));

/** The derivative as `pullback explain` prints it. */
function derivative(program, file) {
  const declaration = program.declarations(file).find(({ key }) => key.endsWith("#f"));
  const derived = compiler.differentiate(program, { key: declaration.key, mask: declaration.fullMask });
  const emitted = compiler.emitDerivative(derived, {
    joint: true,
    split: false,
    inline: false,
    names: { joint: "f$gradient", forward: "f$forward", backward: "f$backward" },
    local: (callee) => {
      const stem = program.lower(callee).name.replace(/[^\w$]+/g, "$");
      return { forward: `${stem}$forward`, backward: `${stem}$backward` };
    },
  });
  return emitted.text.trim();
}

/** Gradients at a point, by argument; a single one stands bare in what the operators return. */
function byArgument(tangent, args) {
  return args.length === 1 ? [tangent] : tangent;
}

function compare(fixture, point, make, module) {
  const { f } = module;
  const fail = (what) => problems.push(`${fixture.name} at ${point}: ${what}`);
  const value = f(...make());
  const joint = module.joint(...make());
  const split = module.split(...make());
  if (!Object.is(joint.value, value) || !Object.is(split.value, value))
    fail(`the value is ${value}, the compiled forms gave ${joint.value} and ${split.value}`);
  const forms = { gradient: joint.gradient, pullback: split.pullback(1), "pullback again": split.pullback(1) };
  const lines = [];
  for (const path of places(make())) {
    const expected = fixture.unchecked ? undefined : difference(f, make, path);
    for (const [form, tangent] of Object.entries(forms)) {
      const actual = at(byArgument(tangent, make()), path);
      if (actual === undefined && expected === undefined) continue;
      if (!fixture.unchecked && (expected === undefined || !agrees(actual ?? 0, expected)))
        fail(`${form} at ${text(path)} is ${actual}, central differences give ${expected}`);
      if (form === "gradient")
        lines.push(
          `| ${text(path)} | ${rounded(actual)} | ${expected === undefined ? "not compared" : rounded(expected)} |`,
        );
    }
  }
  return `\`f(${point})\` is ${rounded(value)}.\n\n| argument | gradient | central differences |\n|---|---|---|\n${lines.join("\n")}\n`;
}

/** The fixture with the operators that are compared. */
function moduleOf(fixture) {
  const points = fixture.points.map((point, i) => `export const point${i} = () => [${point}] as any;`);
  const tail = [
    'import { valueWithGradient, valueWithPullback } from "@pullback/autodiff";',
    "export const joint = valueWithGradient(f), split = valueWithPullback(f);",
    ...points,
  ];
  return `${fixture.source}\n${tail.join("\n")}\n`;
}

const modeName = (fixture, mode) => `${fixture.name}.${mode.name.toLowerCase().replaceAll(" ", "-")}.ts`;

/** The fixture with one operator in one mode. */
function modeModule(fixture, { operator }) {
  const names = operator.match(/\b\w+(?=\()/g).join(", ");
  return `${fixture.source}\nimport { ${names} } from "@pullback/autodiff";\nexport const compiled = ${operator};\n`;
}

/** The fixes that the diagnostics of a fixture offer, with the program that they make; of two in one place the outer one. */
function fixesOf(fixture, { plan }) {
  const file = `${place.folder}/${fixture.name}.ts`;
  const offered = plan.diagnostics
    .filter(({ fix, span }) => fix !== undefined && span.file === file)
    .sort((a, b) => b.span.end - b.span.start - (a.span.end - a.span.start));
  const edits = new Map();
  const overlaps = (a, b) => a.start < b.end && b.start < a.end;
  const taken = offered.filter(({ fix }) => {
    if (fix.edits.some(({ span }) => [...edits.values()].some((other) => overlaps(span, other.span)))) return false;
    for (const edit of fix.edits) edits.set(`${edit.span.start}: ${edit.text}`, edit);
    return true;
  });
  const apply = (text, edit) => text.slice(0, edit.span.start) + edit.text + text.slice(edit.span.end);
  const text = [...edits.values()].sort((a, b) => b.span.start - a.span.start).reduce(apply, moduleOf(fixture));
  return taken.length === 0 ? [] : [{ taken, name: `${fixture.name}.fixed.ts`, text }];
}

/** What the fixes change, and whether they help: nothing more is said of what they are for, and nothing new. */
function describeFixes(fixture, { taken, name, text }, built) {
  const file = `${place.folder}/${name}`;
  const before = moduleOf(fixture);
  const left = built.plan.diagnostics.filter((each) => each.span.file === file);
  if (left.some(({ code }) => code !== fixture.beside))
    problems.push(`${fixture.name}: its fix leaves ${left.map((each) => `${each.code}: ${each.message}`).join(", ")}`);
  const changed = text.split("\n").filter((line) => !before.split("\n").includes(line));
  const titles = [...new Set(taken.map(({ fix }) => fix.title))];
  return `## Fix\n\n${titles.join("; ")}:\n\n\`\`\`ts\n${changed.join("\n")}\n\`\`\`\n`;
}

/** How the fixture fares in a mode: "yes", or the code that it is refused with. */
async function runMode(fixture, mode, built, base) {
  const name = modeName(fixture, mode);
  const file = `${place.folder}/${name}`;
  const error = built.plan.diagnostics.find(
    ({ severity, span, notes }) =>
      severity === "error" && [span, ...notes.map((note) => note.span)].some((each) => each?.file === file),
  );
  if (error !== undefined) return error.code;
  const { compiled } = await built.run(name);
  for (const [i, point] of fixture.points.entries()) {
    const make = base[`point${i}`];
    const bare = (tangent) => byArgument(tangent, make());
    const gradient = (args) => byArgument(base.joint(...args).gradient, args);
    const direction = directionOf(gradient(make()), make(), i + 1);
    const entries = mode.check({ compiled, f: base.f, gradient, make, direction, bare });
    const wrong = fixture.unchecked ? undefined : disagreement(entries);
    if (wrong !== undefined) problems.push(`${fixture.name}, ${mode.name} at ${point}: ${wrong}`);
  }
  return "yes";
}

async function run(fixture, { program, plan, run: load }, inModes, fixed) {
  const name = `${fixture.name}.ts`;
  const file = `${place.folder}/${name}`;
  const source = (path) => program.text(path);
  const concerns = ({ span, notes }) => [span, ...notes.map((note) => note.span)].some((each) => each?.file === file);
  const diagnostics = plan.diagnostics.filter(concerns);
  const written = diagnostics.map((each) => formatDiagnostic(each, source).replaceAll(`${place.folder}/`, ""));
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const parts = [`# ${fixture.title}\n`];
  if (written.length > 0) parts.push(`## Diagnostics\n\n\`\`\`\n${written.join("\n\n")}\n\`\`\`\n`);
  for (const each of fixture.fixes) parts.push(describeFixes(fixture, each, fixed));
  if (fixture.refused !== undefined) {
    const found = errors.map(({ code }) => code);
    if (!found.includes(fixture.refused))
      problems.push(`${fixture.name}: expected ${fixture.refused}, got ${found.join(", ") || "no error"}`);
    return parts.join("\n");
  }
  if (fixture.warned !== undefined && !diagnostics.some(({ code }) => code === fixture.warned))
    problems.push(`${fixture.name}: expected the warning ${fixture.warned}`);
  if (errors.length > 0) {
    problems.push(`${fixture.name}: does not compile\n${written.join("\n")}`);
    return parts.join("\n");
  }
  parts.push(`## Derivative\n\n\`\`\`ts\n${derivative(program, file)}\n\`\`\`\n`);
  const module = await load(name);
  const checks = fixture.points.map((point, i) => compare(fixture, point, module[`point${i}`], module));
  parts.push(`## Check\n\n${checks.join("\n")}`);
  fixture.outcomes = [];
  for (const mode of modes) {
    try {
      fixture.outcomes.push(await runMode(fixture, mode, inModes, module));
    } catch (error) {
      problems.push(`${fixture.name}, ${mode.name}: ${error?.stack ?? error}`);
    }
  }
  const said = modes.map(({ name }, i) =>
    fixture.outcomes[i] === "yes" ? `${name}: compared` : `${name}: ${fixture.outcomes[i]}`,
  );
  parts.push(`${said.join("; ")}.\n`);
  return parts.join("\n");
}

function settle(path, content) {
  if (options.update) writeFileSync(path, content);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== content)
    problems.push(`${path.slice(root.length + 1)} is not what came out; look, and run with --update`);
}

try {
  const built = place.compile(Object.fromEntries(fixtures.map((each) => [`${each.name}.ts`, moduleOf(each)])));
  const modesOf = (fixture) => modes.map((mode) => [modeName(fixture, mode), modeModule(fixture, mode)]);
  const inModes = place.compile(
    Object.fromEntries(fixtures.filter(({ refused }) => refused === undefined).flatMap(modesOf)),
  );
  for (const fixture of fixtures) fixture.fixes = fixesOf(fixture, built);
  const fixed = place.compile(
    Object.fromEntries(fixtures.flatMap(({ fixes }) => fixes.map(({ name, text }) => [name, text]))),
  );
  for (const fixture of fixtures) {
    try {
      settle(join(folder, `${fixture.name}.expect.md`), await run(fixture, built, inModes, fixed));
    } catch (error) {
      problems.push(`${fixture.name}: ${error?.stack ?? error}`);
    }
  }
} finally {
  place.remove();
}

if (positionals.length === 0) {
  const link = (each) => `[${each.name}](../packages/compiler-plugin/fixtures/${each.name}.expect.md)`;
  const working = fixtures.filter((each) => each.refused === undefined && each.warned === undefined);
  const warned = fixtures.filter((each) => each.warned !== undefined);
  const refused = fixtures.filter((each) => each.refused !== undefined);
  settle(
    join(root, "docs", "language.md"),
    [
      "# The language that is differentiated\n",
      "Generated by `node scripts/trust/fixtures.mjs --update` from the compiler's fixtures. Each fixture is a small program; its page shows the derivative that the compiler writes. Each is compared with central differences of the next lower order in four modes, with the tests: reverse mode (VJP), forward mode (JVP), and the derivatives of the reverse mode in both (VJP of VJP, JVP of VJP). A code in a cell is the diagnostic with which the compiler refuses it.\n",
      `| Construct | VJP | ${modes.map(({ name }) => name).join(" | ")} |`,
      `|---|---|${modes.map(() => "---|").join("")}`,
      ...working.map((each) => {
        const cells = modes.map((_, i) =>
          each.outcomes?.[i] === "yes" ? link(each) : `[${each.outcomes?.[i]}](diagnostics/${each.outcomes?.[i]}.md)`,
        );
        return `| ${each.title} | ${[link(each), ...cells].join(" | ")} |`;
      }),
      "\n## Refused, with a diagnostic\n",
      "| Construct | Code | Fixture |",
      "|---|---|---|",
      ...refused.map((each) => `| ${each.title} | [${each.refused}](diagnostics/${each.refused}.md) | ${link(each)} |`),
      "\n## Compiled, with a warning\n",
      "| Construct | Code | Fixture |",
      "|---|---|---|",
      ...warned.map((each) => `| ${each.title} | [${each.warned}](diagnostics/${each.warned}.md) | ${link(each)} |`),
      "",
    ].join("\n"),
  );
  const pages = join(root, "docs", "diagnostics");
  mkdirSync(pages, { recursive: true });
  for (const [code, { title, explanation, remedy }] of Object.entries(codes)) {
    const shown = fixtures.filter((each) => each.refused === code || each.warned === code);
    const example = shown.map(
      (each) =>
        `\n## Example\n\n\`\`\`ts\n${each.source.trim()}\n\`\`\`\n\nThe message: ${link(each).replace("](../", "](../../")}\n`,
    );
    settle(
      join(pages, `${code}.md`),
      `# ${code}: ${title}\n\n${explanation}\n\n**What to do.** ${remedy}\n${example.join("")}`,
    );
  }
  const stale = readdirSync(pages).filter((file) => file.startsWith("PB") && !(file.slice(0, -3) in codes));
  for (const file of stale) {
    if (options.update) rmSync(join(pages, file));
    else problems.push(`docs/diagnostics/${file} stands for no code`);
  }
  const list = Object.entries(codes).map(([code, { title }]) => `| [${code}](${code}.md) | ${title} |`);
  settle(
    join(pages, "index.md"),
    `# Diagnostics\n\nGenerated from the compiler's own table by \`node scripts/trust/fixtures.mjs --update\`. What Swift reports, and what says it here: [swift.md](swift.md).\n\n| Code | Meaning |\n|---|---|\n${list.join("\n")}\n`,
  );
}

console.log(`${fixtures.length} fixtures, ${problems.length} problems`);
for (const problem of problems) console.error(`\n${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
