/** Random keys, the default generator, and the distributions. */
export {
  bernoulli,
  categorical,
  permutation,
  type RandomOptions,
  rand,
  randn,
  randomInt,
  randomNormal,
  randomUniform,
  truncatedNormal,
} from "./distributions.ts";
export { type GeneratorState, generatorState, setGeneratorState, setSeed } from "./generator.ts";
export { RandomKey, randomKey } from "./key.ts";
