/**
 * What is added to the bodies of classes with `#` names. Nothing outside of the body can read those, so the derivatives
 * of its members become static members, and a static block describes its fields.
 */
import type { StructOfClass } from "../frontend/index.ts";
import type { Edits, Mapping } from "./edits.ts";
import { fieldsText, propertyText } from "./shape.ts";

/** Derivatives of members, and the statements that attach them, per class body. */
export class ClassBodies {
  readonly #members = new Map<number, { text: string; mappings: Mapping[]; statements: string[] }>();

  /** Adds derivative functions, as they would stand in a module, to the class whose body ends at `end`. */
  add(end: number, text: string, mappings: readonly Mapping[]): void {
    const body = this.#of(end);
    const start = body.text.length + 1;
    // As long as the word that it replaces, so that every offset stays.
    body.text += `\n${text.replace(/^function /gm, "static   ")}\n`;
    body.mappings.push(
      ...mappings.map(({ generatedOffset, span }) => ({ generatedOffset: generatedOffset + start, span })),
    );
  }

  /** Adds a statement to the static block of the class whose body ends at `end`. */
  run(end: number, statement: string): void {
    this.#of(end).statements.push(statement);
  }

  write(edits: Edits): void {
    for (const [end, { text, mappings, statements }] of this.#members) {
      edits.insert(end, `${text}\nstatic { ${statements.join(" ")} }\n`, "statement", mappings);
    }
  }

  #of(end: number) {
    let body = this.#members.get(end);
    if (body === undefined) {
      body = { text: "", mappings: [], statements: [] };
      this.#members.set(end, body);
    }
    return body;
  }
}

/** Describes the fields of a class to the runtime. */
export function describeClass(
  { className, attachAfter, type, privates }: StructOfClass,
  edits: Edits,
  bodies: ClassBodies,
): void {
  const fields = fieldsText(type.fields());
  if (privates === undefined) {
    edits.insert(attachAfter, `\n$pb.struct(${className}, ${fields});\n`);
    return;
  }
  const accessors = privates.fields.map(
    (name) => `${propertyText(name)}: [(o: any) => o.#${name}, (o: any, v: any) => { o.#${name} = v; }]`,
  );
  bodies.run(privates.end, `$pb.struct(this, ${fields}, { ${accessors.join(", ")} });`);
  const { constructorBody } = privates;
  if (constructorBody === undefined) return;
  const leave = constructorBody.derived ? "{ super(arguments[0]); return; }" : "return;";
  edits.insert(constructorBody.start, ` if ($pb.isAllocating(arguments[0])) ${leave} `);
}
