/**
 * Effects happen once, however often a function runs for its derivatives. While it runs for the first time, what comes
 * back from the world is written down; in every other run that is read off, and nothing happens.
 */
import { PullbackError } from "../errors.ts";
import type { Any } from "../protocol/index.ts";
import { holdsSomething, type Imprint, imprint, isCollection } from "./imprint.ts";
import { capture, type Snapshot } from "./snapshot.ts";

/** One effect: what it returned and left in its arguments, or the exception with which it ended. */
interface Entry {
  readonly value?: unknown;
  readonly imprint?: Imprint;
  readonly error?: { readonly thrown: unknown };
}

/** What the world gave to a function in its first run. */
export interface EffectLog {
  readonly entries: Entry[];
  /** Calls of functions that were found at run time and that the compiler has not seen: they may have effects. */
  readonly found: Entry[];
  /** Part of the first run went through plain code, so that calls of these are missing: they are not read off. */
  partial: boolean;
  /** Objects outside of the arguments that the function changes, as they were before. */
  readonly touched: Map<unknown, Snapshot>;
  complete: boolean;
}

/** A run under way, inside of another or not. */
export interface Run {
  readonly log: EffectLog;
  readonly outer: Run | undefined;
  /** The next entries to read; undefined in the run that writes them. */
  readonly next: { entries: number; found: number } | undefined;
  /** What the function's state is once it is done. */
  readonly now: Snapshot | undefined;
}

let current: Run | undefined;

export function effectLog(): EffectLog {
  return { entries: [], found: [], partial: false, touched: new Map(), complete: false };
}

/** Begins a run: the first one writes the log, every other reads it and sees what the first one changed as that saw it. */
export function enter(log: EffectLog): Run {
  const again = log.complete;
  const now = again && log.touched.size > 0 ? capture([...log.touched.keys()], []) : undefined;
  const run: Run = { log, outer: current, next: again ? { entries: 0, found: 0 } : undefined, now };
  if (again) for (const before of [...log.touched.values()].reverse()) before.restore();
  current = run;
  return run;
}

/** Ends a run. */
export function leave(run: Run): void {
  current = run.outer;
  run.now?.restore();
  const { next, log } = run;
  if (next === undefined) log.complete = true;
  else if (next.entries !== log.entries.length || (!log.partial && next.found !== log.found.length)) throw astray();
}

/** What is under way, for `reset`. */
export const logged = (): Run | undefined => current;

/** Back to what was under way before an exception came by; what it left unfinished ends. */
export function reset(to: Run | undefined): void {
  for (let run = current; run !== to && run !== undefined; run = run.outer) run.now?.restore();
  current = to;
}

/**
 * Something that has an effect, or may have: done where it is written down, else what was written down. `args` are the
 * objects that it is given. A method of a collection changes that alone: it is done in every run.
 */
export function once(run: () => Any, args: readonly unknown[] = [], collection = false): Any {
  if (current === undefined) return run();
  if (collection && isCollection(args[0])) {
    touch(args[0]);
    return run();
  }
  return through(current, run, args, "entries");
}

/** The same for a function that the compiler has not seen. */
export function onceFound(run: () => Any, args: readonly unknown[]): Any {
  return current === undefined ? run() : through(current, run, args, "found");
}

/** Says that what follows runs as it stands, without a trace of the functions that it finds. */
export function untraced(): void {
  for (let run = current; run !== undefined; run = run.outer) run.log.partial = true;
}

/** Says that an object outside of the arguments is about to change. */
export function touch(object: unknown): void {
  for (let run = current; run !== undefined && run.next === undefined; run = run.outer) {
    if (!run.log.touched.has(object)) run.log.touched.set(object, capture([object], []));
  }
}

function through(inner: Run, work: () => Any, args: readonly unknown[], list: "entries" | "found"): Any {
  const writing: Run[] = [];
  let reading: Run | undefined = inner;
  for (; reading !== undefined && reading.next === undefined; reading = reading.outer) writing.push(reading);
  if (list === "found" && reading?.log.partial === true) return work();
  const objects = args.filter((each) => holdsSomething([each]));
  for (const object of objects) touch(object);
  if (reading !== undefined) {
    const next = reading.next as { entries: number; found: number };
    const entry = reading.log[list][next[list]++];
    if (entry === undefined) throw astray();
    for (const run of writing) run.log[list].push(entry);
    if (entry.error !== undefined) throw entry.error.thrown;
    return entry.imprint === undefined ? entry.value : entry.imprint.put(objects);
  }
  const keep = (entry: Entry) => {
    for (const run of writing) run.log[list].push(entry);
  };
  const after = imprint(objects);
  // What happens inside is part of this.
  current = undefined;
  try {
    const value = work();
    current = inner;
    // What it holds now is what another run is to see.
    if (holdsSomething([value])) touch(value);
    keep(objects.length > 0 || holdsSomething([value]) ? { imprint: after(value) } : { value });
    return value;
  } catch (thrown) {
    keep({ error: { thrown } });
    throw thrown;
  } finally {
    current = inner;
  }
}

function astray(): PullbackError {
  return new PullbackError("A function that was run again for its second derivative took another way than before.", {
    code: "PB3024",
    hint: "It depends on state that changes between the runs and that the compiler does not see. Pass that state as an argument, or read it before.",
  });
}
