/** Initial values of parameters. */
export {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  leCunNormal,
  leCunUniform,
  orthogonal,
} from "./scaled.ts";
export { fanInUniform, type InitializerOptions } from "./uniform.ts";
