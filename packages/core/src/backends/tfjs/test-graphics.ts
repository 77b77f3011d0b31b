/**
 * What engines on graphics processors get in place of their own kernels, over the kernels of the cpu engine: the same
 * compositions, each step rounded to float32, where there is no graphics processor.
 */
import * as tf from "@tensorflow/tfjs-core";
import { registerBackend, withBackend } from "../../index.ts";
import { TfjsBackend } from "./tfjs-backend.ts";
import type { Engine, Tfjs } from "./types.ts";

/** The name of the backend that is now known. */
export async function registerGraphics(): Promise<string> {
  const device = "tfjs:graphics";
  await withBackend("tfjs:cpu", () => 1);
  const engine = tf.findBackend("cpu") as unknown as Engine;
  tf.registerBackend("graphics", () => engine as unknown as tf.KernelBackend);
  tf.copyRegisteredKernels("cpu", "graphics");
  registerBackend(new TfjsBackend(tf as unknown as Tfjs, engine, "graphics", device));
  return device;
}
