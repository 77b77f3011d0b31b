/**
 * Alias classes of memory, after Steensgaard (1996), "Points-to analysis in almost linear time": one class per set of
 * objects that may be one another, one child per field; all elements of an array share the child "[]".
 */
/** A class of objects, or the content of a slot. Facts are kept on the representative. */
export class MemoryClass {
  parent: MemoryClass | undefined = undefined;
  readonly slots = new Map<string, MemoryClass>();
  /** Every slot is the class itself: what a call may have linked is not told apart any more. */
  collapsed = false;
  /** Something writes this slot after the object was made. */
  written = false;
  /** A value that depends on an active parameter may be stored here; the result may depend on what is here. */
  varied = false;
  useful = false;
  /** The same of everything reachable from here. */
  deepWritten = false;
  deepVaried = false;
  deepUseful = false;
  /** Belongs to a parameter, a capture, a global or an unknown object: something outside may hold it. */
  external = false;
  /** Is reachable by whoever receives the result or an effect of a call. */
  escapes = false;
}

const flags = [
  "collapsed",
  "written",
  "varied",
  "useful",
  "deepWritten",
  "deepVaried",
  "deepUseful",
  "external",
  "escapes",
] as const;

export function find(c: MemoryClass): MemoryClass {
  let root = c;
  while (root.parent !== undefined) root = root.parent;
  for (let at = c; at.parent !== undefined; ) {
    const next: MemoryClass = at.parent;
    at.parent = root;
    at = next;
  }
  return root;
}

export function unify(a: MemoryClass, b: MemoryClass): void {
  const x = find(a);
  const y = find(b);
  if (x === y) return;
  y.parent = x;
  for (const flag of flags) if (y[flag]) x[flag] = true;
  const inherited = [...y.slots];
  y.slots.clear();
  if (x.collapsed) {
    const all = [...x.slots.values(), ...inherited.map(([, c]) => c)];
    x.slots.clear();
    for (const c of all) unify(x, c);
    return;
  }
  for (const [name, child] of inherited) {
    const mine = find(x).slots.get(name);
    if (mine === undefined) find(x).slots.set(name, child);
    else unify(mine, child);
  }
}

/** Makes everything reachable from `c` one class. */
export function collapse(c: MemoryClass): void {
  const root = find(c);
  if (root.collapsed && root.slots.size === 0) return;
  root.collapsed = true;
  const children = [...root.slots.values()];
  root.slots.clear();
  for (const child of children) {
    collapse(child);
    unify(root, child);
  }
  find(root).slots.clear();
}

export function slot(c: MemoryClass, name: string): MemoryClass {
  const root = find(c);
  if (root.collapsed) return root;
  let child = root.slots.get(name);
  if (child === undefined) {
    child = new MemoryClass();
    child.external = root.external;
    child.escapes = root.escapes;
    child.deepWritten = root.deepWritten;
    child.deepVaried = root.deepVaried;
    child.deepUseful = root.deepUseful;
    root.slots.set(name, child);
  }
  return find(child);
}

/** Every class reachable from `c`, itself included. */
export function reachable(c: MemoryClass, into = new Set<MemoryClass>()): Set<MemoryClass> {
  const root = find(c);
  if (into.has(root)) return into;
  into.add(root);
  for (const child of root.slots.values()) reachable(child, into);
  return into;
}

/** Whether something writes into what can be reached from `c`: into its slots, not into those that hold it. */
export function writtenIn(c: MemoryClass): boolean {
  return [...reachable(c)].some(
    (each) =>
      each.deepWritten ||
      (each.collapsed && each.written) ||
      [...each.slots.values()].some((child) => find(child).written),
  );
}

/** Sets a flag on everything reachable; true when that changed something. */
export function mark(
  c: MemoryClass,
  flag: "deepWritten" | "deepVaried" | "deepUseful" | "external" | "escapes",
): boolean {
  let changed = false;
  for (const each of reachable(c)) {
    if (!each[flag]) {
      each[flag] = true;
      changed = true;
    }
  }
  return changed;
}
