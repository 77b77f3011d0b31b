// What a generated statement can name, by what it is.

export const outermost = () => ({
  /** Numbers, and those of them that may be assigned. */
  numbers: ["x", "y"],
  lets: ["x", "y"],
  arrays: ["a"],
  floats: [],
  rows: [],
  structs: ["s"],
  lists: [],
  cells: [],
  laws: [],
  shapes: [],
  maps: ["m"],
  records: [],
  options: [],
  /** Functions of one number. */
  functions: [],
  /** The name of a counter from 0 to 2, inside a loop. */
  index: undefined,
  /** Labels of the loops around. */
  labels: [],
});

/** A scope inside: what is declared there is not known outside. */
export const inside = (scope) =>
  Object.fromEntries(Object.entries(scope).map(([key, at]) => [key, Array.isArray(at) ? [...at] : at]));
