/** Analyses: aliases and effects, activity. */
export { type Activity, activity } from "./activity.ts";
export { type Aliases, aliases, pointsToMemory, Summaries, type Summary } from "./aliases.ts";
export { Memo, memoOf } from "./memo.ts";
export { find, type MemoryClass, reachable, slot, writtenIn } from "./memory.ts";
export { bodyThrowsFirst, calleeMayThrow, mayThrow, throwsFirst } from "./throwing.ts";
