/** The only place that loads a TypeScript API. */
export { type Stripped, type StripOptions, stripTypes } from "./strip.ts";
export { type HostOptions, TypeHost } from "./type-host.ts";
export type { TypeScript } from "./typescript.ts";
