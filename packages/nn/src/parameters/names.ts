/** Published names: how a class says under which names its parameters stand in checkpoints. */
import { CheckpointError } from "@pullback/core";

/**
 * What `static names` of a class may be: a map from field path to published name, or a function that does the same.
 * A map's keys are paths from an object of the class, or leading parts of one; `{i}` stands for one segment (an index, a
 * key) and may be repeated in the name:
 *
 * ```ts
 * static names = {
 *   "embedder.weight": "model.embed_tokens.weight",
 *   "layers.{i}.attention.query": "model.layers.{i}.self_attn.q_proj",
 * };
 * ```
 *
 * Classes compose: a field's own class names its part first, and the outer class then sees that name.
 */
export type Names = Readonly<Record<string, string>> | ((path: string) => string);

/** The `static names` of the object's class, if any. */
export function namesOf(value: object): Names | undefined {
  const names = (value.constructor as { names?: unknown } | undefined)?.names;
  return typeof names === "function" || (typeof names === "object" && names !== null) ? (names as Names) : undefined;
}

/** The name under which `path` is published. The longest matching key of a map wins; without one the path stays. */
export function publish(names: Names, path: string): string {
  if (typeof names === "function") return names(path);
  let best: { length: number; name: string } | undefined;
  for (const [pattern, name] of Object.entries(names)) {
    const matched = match(pattern, path);
    if (matched === undefined || (best !== undefined && best.length >= matched.length)) continue;
    best = { length: matched.length, name: fill(name, pattern, matched) + matched.rest };
  }
  return best?.name ?? path;
}

interface Match {
  /** Segments matched. */
  readonly length: number;
  readonly placeholders: ReadonlyMap<string, string>;
  readonly rest: string;
}

function match(pattern: string, path: string): Match | undefined {
  const wanted = pattern.split(".");
  const given = path.split(".");
  if (wanted.length > given.length) return undefined;
  const placeholders = new Map<string, string>();
  for (const [i, segment] of wanted.entries()) {
    if (/^\{\w+\}$/.test(segment)) placeholders.set(segment, given[i]);
    else if (segment !== given[i]) return undefined;
  }
  const rest = given.slice(wanted.length);
  return { length: wanted.length, placeholders, rest: rest.map((segment) => `.${segment}`).join("") };
}

function fill(name: string, pattern: string, { placeholders }: Match): string {
  return name.replace(/\{\w+\}/g, (placeholder) => {
    const segment = placeholders.get(placeholder);
    if (segment !== undefined) return segment;
    throw new CheckpointError(`static names: "${name}" uses ${placeholder}, which "${pattern}" does not have`, {
      code: "PB7110",
      names: [name],
      hint: "Every placeholder of a name must stand in its path.",
    });
  });
}
