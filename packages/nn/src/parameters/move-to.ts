/** Models on another device. */
import type { Device } from "@pullback/core";
import { setSlot } from "./slots.ts";
import { entriesOf } from "./state-dict.ts";

/**
 * Moves every tensor of a model, parameters and buffers, to a device that is ready ("eager", "tfjs:wasm", …), in place.
 * Move before making its optimizer, whose memory stays where the parameters were when it took its first step.
 *
 * @throws BackendError when there is no such backend, DTypeError when it does not hold the dtype of one of the tensors;
 *   the model is then as it was
 */
export function moveTo<M>(model: M, device: Device): M {
  const moved = entriesOf(model).flatMap(({ container, key, value, tied }) =>
    typeof value === "number" || tied ? [] : [{ container, key, value: value.to(device) }],
  );
  for (const { container, key, value } of moved) setSlot(container, key, value);
  return model;
}
