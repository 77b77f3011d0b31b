/**
 * Stacks without `push` and `pop`: the stacks of one loop body are filled and emptied side by side, so that one variable
 * can say for all of them where the next entry goes. That is faster than each array's own length, and a backward
 * function that may run again reads what the forward function left instead of a copy. The last step before a function is
 * written down: differentiation knows nothing of cursors.
 */
import {
  type ArrayOp,
  Builder,
  type HirFunction,
  mapOp,
  type Op,
  type PopOp,
  type PushOp,
  type Region,
  regions,
  uses,
  type Value,
  walk,
} from "../hir/index.ts";

interface Site<T extends Op> {
  readonly op: T;
  readonly region: Region;
}

interface StackUse {
  readonly made: Site<ArrayOp>;
  readonly pushes: Site<PushOp>[];
  readonly pops: Site<PopOp>[];
}

/** What stands in place of an operation. */
type Replacement = (op: Op) => Op;

export function useCursors(fn: HirFunction): HirFunction {
  const stacks = stacksOf(fn.body);
  if (stacks.length === 0) return fn;
  let next = 0;
  const see = (v: Value) => {
    next = Math.max(next, v.id + 1);
  };
  for (const v of [...fn.params, ...fn.captures]) see(v);
  walk(fn.body, (op) => {
    for (const v of op.results) see(v);
    for (const inner of regions(op)) for (const v of inner.params) see(v);
  });
  const ids = { next };
  const before = new Map<Op, Op[]>();
  const replacements = new Map<Op, Replacement>();
  const originals = new Map<Value, Value>();
  for (const group of groupsOf(stacks)) {
    const [first] = group as [StackUse];
    const ops: Op[] = [];
    const cursor = new Builder(ops, ids, first.made.op.span).cursor(copied(first.made.op));
    before.set(first.made.op, ops);
    for (const { made } of group) {
      const original = copied(made.op);
      if (original !== undefined) originals.set(made.op.results[0] as Value, original);
    }
    const pushes = inOrder(group.flatMap((stack) => stack.pushes));
    const pops = inOrder(group.flatMap((stack) => stack.pops));
    const alone = group.length === 1;
    pushes.forEach(({ op }, i) => {
      replacements.set(op, (now) => ({ ...(now as PushOp), cursor, moves: alone || i === pushes.length - 1 }));
    });
    pops.forEach(({ op }, i) => {
      replacements.set(op, (now) => ({ ...(now as PopOp), cursor, moves: alone || i === 0 }));
    });
  }
  const resolve = (v: Value): Value => originals.get(v) ?? v;
  const rewrite = (region: Region): Region => ({
    ...region,
    ops: region.ops.flatMap((op) => {
      const now = mapOp(op, resolve, rewrite);
      const made = op.kind === "array" && originals.has(op.results[0] as Value) ? [] : [now];
      return [...(before.get(op) ?? []), ...made.map((each) => replacements.get(op)?.(each) ?? each)];
    }),
    results: region.results.map(resolve),
  });
  return { ...fn, body: rewrite(fn.body) };
}

/** The array that a stack begins as a copy of. */
const copied = (op: ArrayOp): Value | undefined => op.elements[0];

/** The stacks that differentiation made and that nobody uses but to push and to pop. */
function stacksOf(body: Region): StackUse[] {
  const found = new Map<Value, StackUse>();
  const visit = (region: Region): void => {
    for (const op of region.ops) {
      if (op.kind === "array" && op.stack === true)
        found.set(op.results[0] as Value, { made: { op, region }, pushes: [], pops: [] });
      if (op.kind === "push") found.get(op.array)?.pushes.push({ op, region });
      if (op.kind === "pop") found.get(op.array)?.pops.push({ op, region });
      for (const inner of regions(op)) visit(inner);
    }
  };
  visit(body);
  const counts = uses(body);
  return [...found].flatMap(([array, stack]) => {
    const { pushes, pops } = stack;
    const isCopy = copied(stack.made.op) !== undefined;
    const others = (counts.get(array) ?? 0) - pushes.length - pops.length;
    // One that is only pushed to is an ordinary array for all the others.
    const fits = isCopy ? pushes.length === 0 && others === 0 : pops.length === 0 || others === 0;
    return fits && pushes.length + pops.length > 0 ? [stack] : [];
  });
}

/** Stacks made in one region, pushed to once in one region, popped once in one region, share a cursor. */
function groupsOf(stacks: readonly StackUse[]): StackUse[][] {
  const groups: StackUse[][] = [];
  for (const stack of stacks) {
    const group = groups.find((each) => fitsWith(stack, each));
    if (group === undefined) groups.push([stack]);
    else group.push(stack);
  }
  return groups;
}

function fitsWith(stack: StackUse, group: readonly StackUse[]): boolean {
  const [first] = group as [StackUse];
  const isCopy = (s: StackUse) => copied(s.made.op) !== undefined;
  return (
    stack.made.region === first.made.region &&
    isCopy(stack) === isCopy(first) &&
    sideBySide(stack.pushes, first.pushes, group.flatMap((each) => each.pushes)) &&
    sideBySide(stack.pops, first.pops, group.flatMap((each) => each.pops))
  ); // biome-ignore format: a line for each
}

/** At one place each, in one region, with nothing nested in between that could move the cursor. */
function sideBySide(one: readonly Site<Op>[], other: readonly Site<Op>[], all: readonly Site<Op>[]): boolean {
  if (one.length === 0 && other.length === 0) return true;
  if (one.length !== 1 || other.length !== 1) return false;
  const [{ region }] = one as [Site<Op>];
  if (region !== other[0]?.region) return false;
  const places = [...all, ...one].map(({ op }) => region.ops.indexOf(op));
  const between = region.ops.slice(Math.min(...places), Math.max(...places));
  return between.every((op) => regions(op).length === 0);
}

const inOrder = <T extends Op>(sites: readonly Site<T>[]): Site<T>[] =>
  [...sites].sort((a, b) => a.region.ops.indexOf(a.op) - b.region.ops.indexOf(b.op));
