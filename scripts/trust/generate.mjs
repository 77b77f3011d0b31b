// Random programs in the differentiable language, from a seed: loops, array writes, structs, closures, aliases, calls
// that mutate their arguments, exits. Values stay bounded and array indices in range, so that every program runs.

/** A generator of numbers in [0, 1) (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What every generated module starts with: helpers that mutate, a class with inheritance, a generic function. */
export const prelude = `
interface S { u: number; v: number; w: number[] }
function put(z: number[], i: number, v: number): number { z[i] = v * 0.5 + z[i] * 0.25; return z[i] - v; }
function scale(z: number[], k: number): number[] { for (let i = 0; i < z.length; i++) z[i] *= k; return z; }
function mix(s: S, k: number): S { s.u = s.v * k; s.w[1] += s.u; return s; }
function pick<T>(a: T, b: T, first: boolean): T { return first ? a : b; }
function fold(z: readonly number[], k: number): number { let t = k; for (const e of z) t = Math.sin(t + e * k); return t; }
class Cell {
  v: number;
  constructor(v: number) { this.v = v * 0.5; }
  step(k: number): number { this.v = Math.tanh(this.v + k); return this.v; }
  get double(): number { return this.v * 2; }
}
class Leaky extends Cell {
  m: number;
  constructor(v: number, m: number) { super(v); this.m = m; }
  override step(k: number): number { const before = this.m; this.m = 0.5 * this.m + super.step(k); return this.m * before; }
}
`;

const length = 3;

/** One function `name(x, y, a, s)` with its features. */
export function program(name, seed) {
  const next = random(seed);
  const int = (n) => Math.floor(next() * n);
  const chance = (p) => next() < p;
  const one = (list) => list[int(list.length)];
  const features = new Set();
  let fresh = 0;
  const named = (stem) => `${stem}${fresh++}`;
  const constant = () => (Math.round((next() * 4 - 2) * 100) / 100 || 0.5).toString();

  // What is in scope: numbers, numbers that may be assigned, arrays, structs, cells, functions of one number.
  const root = {
    numbers: ["x", "y"],
    lets: ["x", "y"],
    arrays: ["a"],
    structs: ["s"],
    cells: [],
    functions: [],
    rows: [],
  };
  const inner = (scope) =>
    Object.fromEntries(Object.entries(scope).map(([key, at]) => [key, Array.isArray(at) ? [...at] : at]));

  const index = (scope) =>
    scope.index !== undefined && chance(0.6) ? one([scope.index, `(${scope.index} + 1) % 3`]) : `${int(length)}`;
  const element = (scope) => `${one(scope.arrays)}[${index(scope)}]`;
  const atom = (scope) => {
    const r = next();
    if (r < 0.35) return one(scope.numbers);
    if (r < 0.6) return element(scope);
    if (r < 0.72) return `${one(scope.structs)}.${one(["u", "v"])}`;
    if (r < 0.78) return `${one(scope.structs)}.w[${index(scope)}]`;
    if (r < 0.82 && scope.rows.length > 0) return `${one(scope.rows)}[${int(2)}][${index(scope)}]`;
    if (r < 0.86 && scope.cells.length > 0) return `${one(scope.cells)}.${one(["v", "double"])}`;
    if (r < 0.9) return `fold(${one(scope.arrays)}, ${one(scope.numbers)})`;
    return constant();
  };
  const expression = (scope, depth = 2) => {
    if (depth === 0 || chance(0.2)) return atom(scope);
    const e = () => expression(scope, depth - 1);
    const r = next();
    if (r < 0.25) return `(${e()} + ${e()})`;
    if (r < 0.4) return `(${e()} - ${e()})`;
    if (r < 0.55) return `${e()} * ${atom(scope)}`;
    if (r < 0.62) return `Math.sin(${e()})`;
    if (r < 0.7) return `Math.tanh(${e()})`;
    if (r < 0.75) return `(${e()}) / (1.5 + Math.cos(${atom(scope)}))`;
    if (r < 0.8) return `Math.exp(-Math.abs(${e()}))`;
    if (r < 0.86) return `(${condition(scope)} ? ${e()} : ${e()})`;
    if (r < 0.9 && scope.functions.length > 0) {
      features.add("closures");
      return `${one(scope.functions)}(${e()})`;
    }
    if (r < 0.95)
      return `${one(scope.arrays)}.${one(["reduce((p, q) => p + q * 0.5, 0)", "map((q) => q * 0.5)[1]", "slice(1)[0]", "at(-1)!"])}`;
    return `-(${e()})`;
  };
  const condition = (scope) => `${atom(scope)} ${one(["<", ">"])} ${constant()}`;
  const bounded = (scope) => `Math.${one(["sin", "tanh", "atan"])}(${expression(scope)})`;

  const block = (scope, depth, size) => {
    const lines = [];
    for (let i = 0; i < size; i++) lines.push(statement(scope, depth));
    return lines.join(" ");
  };
  const statement = (scope, depth) => {
    const r = next();
    if (r < 0.12) {
      const name = named("t");
      const line = `let ${name} = ${expression(scope)};`;
      scope.numbers.push(name);
      scope.lets.push(name);
      return line;
    }
    if (r < 0.2) return `${one(scope.lets)} ${one(["=", "+=", "-=", "*="])} ${bounded(scope)};`;
    if (r < 0.34) {
      features.add("array writes");
      return `${element(scope)} ${one(["=", "=", "+=", "*="])} ${bounded(scope)};`;
    }
    if (r < 0.42) {
      features.add("structs");
      return one([
        () => `${one(scope.structs)}.${one(["u", "v"])} ${one(["=", "+="])} ${bounded(scope)};`,
        () => `${one(scope.structs)}.w[${index(scope)}] = ${bounded(scope)};`,
        () => {
          const name = named("s");
          const line = `const ${name} = { ...${one(scope.structs)}, u: ${expression(scope)} };`;
          scope.structs.push(name);
          return line;
        },
        () => {
          const name = named("s");
          const line = `const ${name}: S = { u: ${expression(scope)}, v: ${atom(scope)}, w: [...${one(scope.arrays)}] };`;
          scope.structs.push(name);
          return line;
        },
        () => `mix(${one(scope.structs)}, ${expression(scope, 1)});`,
      ])();
    }
    if (r < 0.52) {
      features.add("aliases");
      return one([
        () => {
          const name = named("b");
          const line = `const ${name} = ${one(scope.arrays)};`;
          scope.arrays.push(name);
          return line;
        },
        () => {
          const name = named("b");
          const line = `const ${name} = ${one(scope.structs)}.w;`;
          scope.arrays.push(name);
          return line;
        },
        () => `${one(scope.structs)}.w = ${one(scope.arrays)};`,
        () => {
          const name = named("r");
          const line = `const ${name} = [${one(scope.arrays)}, ${one(scope.arrays)}];`;
          scope.rows.push(name);
          return `${line} ${name}[${int(2)}][${index(scope)}] = ${bounded(scope)};`;
        },
        () => {
          const name = named("s");
          const line = `const ${name} = pick(${one(scope.structs)}, ${one(scope.structs)}, ${condition(scope)});`;
          scope.structs.push(name);
          return line;
        },
        () => {
          const name = named("b");
          const line = `const ${name} = ${condition(scope)} ? ${one(scope.arrays)} : ${one(scope.arrays)};`;
          scope.arrays.push(name);
          return line;
        },
      ])();
    }
    if (r < 0.58) {
      const name = named("b");
      const line = one([
        () => `const ${name} = ${one(scope.arrays)}.map((q, k) => q * ${expression(scope, 1)} + k * 0.1);`,
        () => `const ${name} = [${expression(scope, 1)}, ${atom(scope)}, ${atom(scope)}];`,
        () => `const ${name} = Array.from({ length: 3 }, (_, k) => ${one(scope.arrays)}[k] * ${expression(scope, 1)});`,
        () => `const ${name} = scale([...${one(scope.arrays)}], ${atom(scope)});`,
        () =>
          `const ${name}: number[] = []; for (let k = 0; k < 3; k++) ${name}.push(Math.sin(${expression(scope, 1)} + k));`,
        () =>
          `const ${name}: number[] = []; for (let k = 0; k < 3; k++) ${name}[k] = Math.sin(${expression(scope, 1)} + k);`,
      ])();
      scope.arrays.push(name);
      return line;
    }
    if (r < 0.66) {
      features.add("closures");
      const name = named("f");
      const line = one([
        () => `const ${name} = (q: number) => q * ${expression(scope, 1)} + ${atom(scope)};`,
        () => `const ${name} = (q: number) => { ${one(scope.lets)} += Math.sin(q); return q * 0.5; };`,
        () =>
          `const ${name} = (q: number) => { ${one(scope.arrays)}[${int(length)}] = Math.tanh(q + ${atom(scope)}); return ${atom(scope)}; };`,
        () => `const ${name} = ((k: number) => (q: number) => q * k + ${atom(scope)})(${expression(scope, 1)});`,
      ])();
      scope.functions.push(name);
      return line;
    }
    if (r < 0.71 && scope.functions.length > 0) {
      const name = named("t");
      const line = `const ${name} = ${one(scope.functions)}(${expression(scope, 1)});`;
      scope.numbers.push(name);
      return line;
    }
    if (r < 0.75) {
      const name = named("c");
      const line = one([
        () => `const ${name} = new Cell(${expression(scope, 1)});`,
        () => `const ${name}: Cell = new Leaky(${expression(scope, 1)}, ${atom(scope)});`,
      ])();
      features.add("structs");
      scope.cells.push(name);
      return line;
    }
    if (r < 0.79 && scope.cells.length > 0)
      return `${one(scope.lets)} += ${one(scope.cells)}.step(${expression(scope, 1)});`;
    if (r < 0.82) return `put(${one(scope.arrays)}, ${index(scope)}, ${expression(scope, 1)});`;
    if (depth === 0) return `${one(scope.lets)} = ${bounded(scope)};`;
    if (r < 0.9) {
      const then = block(inner(scope), depth - 1, 1 + int(2));
      return chance(0.5)
        ? `if (${condition(scope)}) { ${then} }`
        : `if (${condition(scope)}) { ${then} } else { ${block(inner(scope), depth - 1, 1 + int(2))} }`;
    }
    if (r < 0.97) return loop(scope, depth);
    return `if (${condition(scope)}) return ${bounded(scope)};`;
  };
  const loop = (scope, depth) => {
    features.add("loops");
    const body = inner(scope);
    const i = named("i");
    const exits = () => (chance(0.25) ? `if (${condition(body)}) ${one(["break", "continue"])}; ` : "");
    const kind = int(4);
    if (kind < 2) {
      body.index = i;
      const exit = exits();
      const first = block(body, depth - 1, 1 + int(2));
      return `for (let ${i} = 0; ${i} < 3; ${i}++) { ${exit}${first} }`;
    }
    if (kind === 2) {
      const e = named("e");
      const over = one(scope.arrays);
      body.numbers.push(e);
      return `for (const ${e} of ${over}) { ${exits()}${block(body, depth - 1, 1 + int(2))} }`;
    }
    return `let ${i} = 0; while (${i} < 3) { ${i}++; ${exits()}${block(body, depth - 1, 1 + int(2))} }`;
  };

  const body = [block(root, 1, 2 + int(3)), loop(root, 2), block(root, 1, 1 + int(3))].join("\n  ");
  const result = `${expression(root)} + ${atom(root)} * 0.5 + s.u * a[1]`;
  return {
    name,
    features,
    text: `export function ${name}(x: number, y: number, a: number[], s: S): number {\n  ${body}\n  return ${result};\n}\n`,
  };
}
