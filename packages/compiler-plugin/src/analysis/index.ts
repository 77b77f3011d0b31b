/** Analyses: aliases and effects, activity. */
export { type Activity, activity } from "./activity.ts";
export { type Aliases, Summaries, type Summary } from "./aliases.ts";
