/** NumPy's own files: single arrays (.npy) and archives of them (.npz). */
export { loadNpy, loadNpz, saveNpy, saveNpz } from "./files.ts";
export { decodeNpy, encodeNpy } from "./npy.ts";
export { decodeNpz, encodeNpz } from "./npz.ts";
