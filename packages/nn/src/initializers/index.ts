/** Initial values of parameters. */
export { fanInUniform, type InitializerOptions } from "./uniform.ts";
