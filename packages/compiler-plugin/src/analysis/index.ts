/** Analyses: aliases and effects, activity. */
export { type Activity, activity, stopsActivity } from "./activity.ts";
export { type Aliases, Summaries, type Summary } from "./aliases.ts";
