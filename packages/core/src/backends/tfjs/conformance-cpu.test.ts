/** Every golden case on the cpu engine of tfjs. */
import { conform } from "./test-conformance.ts";

await conform("tfjs:cpu");
