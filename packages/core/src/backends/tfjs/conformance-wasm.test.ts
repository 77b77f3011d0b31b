/** Every golden case on the WebAssembly engine of tfjs. */
import { conform } from "./test-conformance.ts";

await conform("tfjs:wasm");
