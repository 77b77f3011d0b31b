/**
 * Threads of tfjs's WebAssembly engine in bundles. Its workers run the text of the module's loader, which reads a variable
 * of the code around it (`_scriptDir`). In a file of its own that variable is guarded by `typeof`; a minifier, which sees
 * it declared, drops the guard and renames it, so that every worker fails and the engine waits for them for ever. Here
 * that text gets the declaration that it lacks, on its way into the Blob from which the workers start.
 */
const opening = "var WasmBackendModuleThreadedSimd = ";

/** The variable is what stands in for `mainScriptUrlOrBlob`, a property that no minifier may rename. */
const outerVariable = /mainScriptUrlOrBlob(?:["']\])?\s*\|\|\s*([\w$]+)/;

/** The loader's text with the variable declared; any other part of a Blob as it is. */
export function repaired(part: BlobPart): BlobPart {
  if (typeof part !== "string" || !part.startsWith(opening)) return part;
  const name = outerVariable.exec(part)?.[1];
  if (name === undefined) throw new Error("the loader of the threaded binary is of an unknown form");
  return `var ${name};${part}`;
}

let original: typeof Blob | undefined;
let running = 0;

/** Runs `start` while Blobs are made with repaired parts. */
export async function withRepairedWorkers<T>(start: () => Promise<T>): Promise<T> {
  if (running++ === 0) {
    const Plain = globalThis.Blob;
    original = Plain;
    globalThis.Blob = class Blob extends Plain {
      constructor(parts?: BlobPart[], options?: BlobPropertyBag) {
        super(parts?.map(repaired), options);
      }
    };
  }
  try {
    return await start();
  } finally {
    if (--running === 0) globalThis.Blob = original!;
  }
}
