/** A program to be killed: saves checkpoints one after another, the same step again and again, into the folder it is given. */
import { full } from "@pullback/core";
import { Adam, saveCheckpoint } from "../src/index.ts";

const folder = process.argv[2]!;
for (let value = 1; ; value++) {
  // Every tensor of one checkpoint holds one number, so that a mixture of two is seen.
  const model = { a: full([200_000], value), b: full([300], value) };
  const optimizer = new Adam(model, { learningRate: 1 });
  optimizer.loadState({
    step: value,
    slots: { first: new Map([["a", model.a]]), second: new Map([["b", full([100_000], value)]]) },
  });
  await saveCheckpoint(folder, { model, optimizer, position: { step: 7 + (value % 2), epoch: value, batch: 0 } });
  if (value === 3) console.log("saving");
}
