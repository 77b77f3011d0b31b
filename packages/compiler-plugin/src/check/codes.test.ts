/** Every code is provoked by a fixture or a test, has a page, and stands where Swift's diagnostics are answered. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { differential, jacobian, type Manifold, manifold, pullback } from "@pullback/autodiff";
import * as $pb from "@pullback/autodiff/runtime";
import ts from "typescript";
import transformer from "../hosts/transformer.ts";
import { codes } from "./codes.ts";

const packages = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const folder = join(packages, "..", "docs", "diagnostics");
const pagesIn = (files: readonly string[]) => files.flatMap((file) => file.match(/^PB\d{4}(?=\.md$)/) ?? []).sort();

/** An angle, whose tangent is a plain number: it cannot be taken back. */
class Angle {
  constructor(public turn: number) {}
  get [manifold](): Manifold<Angle, { by: number }> {
    return {
      zero: () => ({ by: 0 }),
      move: (x, t) => {
        x.turn += t.by;
      },
      project: (_x, fields) => ({ by: (fields as { turn: number }).turn }),
    };
  }
}

/** A function with the derivative that the compiler would write for it: this package is not compiled by itself. */
const carrying = (fn: (...args: any[]) => unknown, kinds: string, code: object): any =>
  $pb.carry(fn, { abi: 1, name: "f", kinds, variants: { [kinds.replace(/./g, "1")]: code } } as any);

const provoked: Record<string, () => unknown> = {
  PB2012: () => jacobian(carrying((x: number, y: number) => x * y, "vv", {})),
  PB2905: () => {
    const forward = (x: number) => ({ value: new Angle(x), shadow: { turn: 0 } });
    const backward = ({ shadow }: ReturnType<typeof forward>) => shadow.turn;
    const f = carrying((x: number) => new Angle(x), "v", { forward, backward });
    return (pullback(f) as any)(1)({ by: 1 });
  },
  PB2906: () => {
    const jvp = (a: Angle, d: { turn: number }) => ({ value: a.turn, tangent: d.turn });
    return (differential(carrying((a: Angle) => a.turn, "r", { jvp })) as any)(new Angle(1))({ by: 1 });
  },
  PB3024: () => {
    const log = $pb.effectLog();
    $pb.leave($pb.enter(log));
    const outside = $pb.logged();
    $pb.enter(log);
    try {
      return $pb.once(() => 1);
    } finally {
      $pb.reset(outside);
    }
  },
  PB9006: () => {
    const program = { getCompilerOptions: () => ({}), getCurrentDirectory: () => ".", getSourceFiles: () => [] };
    return transformer(program as unknown as ts.Program, {}, { ts });
  },
};

test.each(Object.entries(provoked))("%s", (code, run) => {
  expect(run).toThrow(expect.objectContaining({ code }));
});

function provokedElsewhere(): Set<string> {
  const fixtures = join(packages, "compiler-plugin", "fixtures");
  const found = readdirSync(fixtures).flatMap((file) =>
    file.endsWith(".ts")
      ? [...readFileSync(join(fixtures, file), "utf8").matchAll(/^\/\/ (?:refused|warned): (PB\d{4})$/gm)]
      : [],
  );
  const tests = ["autodiff", "compiler-plugin"].flatMap((name) => {
    const source = join(packages, name, "src");
    const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => /\.test\.ts$/.test(file));
    // As a value of its own, which is what something is compared with: not in a title, a comment or a text.
    return files.flatMap((file) => [...readFileSync(join(source, file), "utf8").matchAll(/"(PB\d{4})"/g)]);
  });
  return new Set([...found, ...tests].map(([, code]) => code as string));
}

test("every code is provoked somewhere, and none that does not exist", () => {
  const known = Object.keys(codes).sort();
  const all = new Set([...provokedElsewhere(), ...Object.keys(provoked)]);
  expect(known.filter((code) => !all.has(code))).toEqual([]);
  // PB0 codes are made up by tests.
  expect([...all].filter((code) => !(code in codes) && !code.startsWith("PB0"))).toEqual([]);
});

test("every code has a page, and every page a code", () => {
  expect(pagesIn(readdirSync(folder))).toEqual(Object.keys(codes).sort());
});

test("the answers to Swift's diagnostics name codes that exist", () => {
  const named = [...readFileSync(join(folder, "swift.md"), "utf8").matchAll(/\[(PB\d{4})\]\((PB\d{4})\.md\)/g)];
  expect(named.length).toBeGreaterThan(25);
  for (const [, label, page] of named) expect([label, label! in codes]).toEqual([page, true]);
});
