/** `@pullback/nn`: layers, losses, optimizers, data, training and checkpoints, all over ordinary classes. */
export * from "./checkpointing/index.ts";
export * from "./data/index.ts";
export * from "./errors.ts";
export * from "./initializers/index.ts";
export * from "./layers/index.ts";
export * from "./losses/index.ts";
export * from "./optimizers/index.ts";
export * from "./parameters/index.ts";
export * from "./schedules/index.ts";
export * from "./training/index.ts";
