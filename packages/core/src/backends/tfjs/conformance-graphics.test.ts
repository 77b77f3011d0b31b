/** Every golden case with the compositions that engines on graphics processors get. */
import { conform } from "./test-conformance.ts";
import { registerGraphics } from "./test-graphics.ts";

await conform(await registerGraphics());
