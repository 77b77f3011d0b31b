/** What installed packages publish: the manifest that `pullback build` writes beside their JavaScript. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type ts from "typescript";
import type { Conduct } from "../../hir/index.ts";
import type { TypeScript } from "./typescript.ts";

/** Version of the binary interface between compiled code, libraries and the runtime. */
export const abiVersion = 1;

/** Ways in which a published function can be differentiated. */
export const publishedModes = ["reverse", "forward", "second", "third"] as const;

/**
 * `reverse` and `forward` are the modes that it carries; `second` says that its forward-mode code (of a registration, its
 * `jvp`) can be differentiated again in both, as second derivatives of its callers need; `third` that theirs can, too.
 */
export type PublishedMode = (typeof publishedModes)[number];

/** `pullback.json`. Modules are paths of JavaScript files, relative to it. */
export interface Manifest {
  readonly abi: number;
  /** Functions with derivatives, by the module they are declared in and their name there (`f`, `Class.method`). */
  readonly derivatives: readonly {
    readonly module: string;
    readonly name: string;
    readonly kinds: string;
    readonly masks: readonly string[];
    /** With respect to every parameter. */
    readonly modes: readonly PublishedMode[];
    readonly conduct: Conduct;
  }[];
  /**
   * Targets of registerDerivative, by the module that declares them; `from` registers the derivative. Positions in `wrt`
   * count the receiver, where there is one, as 0. With `package`, the target is that package's, whose root `module` is
   * relative to.
   */
  readonly registrations: readonly (PublishedRule & {
    readonly package?: string;
    readonly module: string;
    readonly name: string;
    readonly from: string;
    readonly modes: readonly PublishedMode[];
  })[];
  /** Classes whose constructor does nothing but store its arguments: the fields, by position. */
  readonly classes: readonly { readonly module: string; readonly name: string; readonly stores: readonly string[] }[];
}

/** What a caller must know of a registered derivative. */
export interface PublishedRule {
  readonly wrt: readonly number[];
  readonly receiver: boolean;
  readonly effects: "none" | "random" | "state";
  readonly retains: boolean;
}

export type Published =
  /** It carries a derivative; its manifest may say which modes it can be differentiated in. */
  | {
      readonly kind: "derivative";
      readonly package?: string;
      readonly modes?: readonly PublishedMode[];
      /** Where the derivative was registered. */
      readonly rule?: PublishedRule;
      readonly conduct?: Conduct;
    }
  /** Its package is compiled, and gives no derivative of it. */
  | { readonly kind: "none"; readonly package: string }
  /** Its package is not compiled by Pullback. */
  | { readonly kind: "uncompiled"; readonly package: string }
  /** Its package was compiled for another version of the binary interface. */
  | { readonly kind: "mismatch"; readonly package: string; readonly abi: number };

type Elsewhere = Extract<Published, { kind: "derivative" }>;

interface PublishedDerivative {
  readonly modes: readonly PublishedMode[];
  readonly rule?: PublishedRule;
  readonly conduct?: Conduct;
}

interface PackageFacts {
  readonly name: string;
  readonly root: string;
  /** Where the manifest lies. */
  readonly folder: string;
  readonly dependencies: readonly string[];
  /** What it registers for functions of others, by `placeOf`. */
  readonly foreign: ReadonlyMap<string, PublishedDerivative>;
  readonly abi: number | undefined;
  readonly derivatives: ReadonlyMap<string, PublishedDerivative>;
  readonly stores: ReadonlyMap<string, readonly string[]>;
}

/** Reads every package's manifest once. */
export class PublishedPackages {
  readonly #ts: TypeScript;
  readonly #files: () => readonly string[];
  readonly #byFolder = new Map<string, PackageFacts>();
  #foreign: ReadonlyMap<string, Elsewhere> | undefined;

  /** `files` are the declaration files of a program: the packages that it sees. */
  constructor(ts: TypeScript, files: () => readonly string[]) {
    this.#ts = ts;
    this.#files = files;
  }

  /** The package that a file belongs to, and the file's module in it. */
  placeOf(file: string): { readonly package: string; readonly module: string } {
    const { name, root } = this.#factsOf(dirname(file));
    return { package: name, module: moduleOf(root, file) };
  }

  /** The derivative of a declaration that a package registers which is not its own. */
  elsewhere(declaration: ts.Declaration): Elsewhere | undefined {
    this.#foreign ??= this.#registeredElsewhere();
    if (this.#foreign.size === 0) return undefined;
    const place = this.placeOf(declaration.getSourceFile().fileName);
    return this.#foreign.get(foreignKey({ ...place, name: publishedName(this.#ts, declaration) }));
  }

  /** Of the packages that the program sees, and of those that they depend on. */
  #registeredElsewhere(): ReadonlyMap<string, Elsewhere> {
    const found = new Map<string, Elsewhere>();
    const seen = new Set<PackageFacts>();
    const visit = (facts: PackageFacts): void => {
      if (seen.has(facts)) return;
      seen.add(facts);
      // Only what is compiled registers derivatives for those who see no source.
      if (facts.abi !== abiVersion) return;
      for (const [key, each] of facts.foreign) found.set(key, { ...each, kind: "derivative", package: facts.name });
      for (const name of facts.dependencies) {
        const folder = installed(facts.root, name);
        if (folder !== undefined) visit(this.#factsOf(folder));
      }
    };
    for (const folder of new Set(this.#files().map((file) => dirname(file)))) visit(this.#factsOf(folder));
    return found;
  }

  /** What is known of the derivative of a function, method, accessor or class that a declaration file declares. */
  of(declaration: ts.Declaration): Published {
    const elsewhere = this.elsewhere(declaration);
    if (elsewhere !== undefined) return elsewhere;
    const file = declaration.getSourceFile().fileName;
    const facts = this.#factsOf(dirname(file));
    // Its operations get their carriers at run time, by hand.
    if (facts.name === "@pullback/autodiff") return { kind: "derivative" };
    if (facts.abi === undefined) return { kind: "uncompiled", package: facts.name };
    if (facts.abi !== abiVersion) return { kind: "mismatch", package: facts.name, abi: facts.abi };
    // Which function an interface's member reaches is known at run time only.
    if (this.#ts.isInterfaceDeclaration(declaration.parent)) return { kind: "derivative" };
    const name = publishedName(this.#ts, declaration);
    const found = facts.derivatives.get(`${moduleOf(facts.folder, file)}#${name}`);
    return found === undefined
      ? { kind: "none", package: facts.name }
      : { kind: "derivative", package: facts.name, ...found };
  }

  /** The fields that a class's constructor stores its arguments in, by position, where it does nothing else. */
  storesOf(declaration: ts.ClassLikeDeclaration): readonly string[] | undefined {
    const file = declaration.getSourceFile().fileName;
    const facts = this.#factsOf(dirname(file));
    if (facts.abi !== abiVersion) return undefined;
    return facts.stores.get(`${moduleOf(facts.folder, file)}#${declaration.name?.text ?? "default"}`);
  }

  #factsOf(folder: string): PackageFacts {
    let facts = this.#byFolder.get(folder);
    if (facts === undefined) {
      facts = read(folder) ?? this.#factsOf(dirname(folder));
      this.#byFolder.set(folder, facts);
    }
    return facts;
  }
}

const foreignKey = (at: { readonly package?: string; readonly module: string; readonly name: string }) =>
  `${at.package}#${at.module}#${at.name}`;

/** Where a package that another one depends on is installed. */
function installed(from: string, name: string): string | undefined {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(from) === from ? undefined : installed(dirname(from), name);
}

/** The facts of the package whose root a folder is; undefined for any other folder. */
function read(folder: string): PackageFacts | undefined {
  const isRoot = existsSync(join(folder, "package.json"));
  if (!isRoot && dirname(folder) !== folder) return undefined;
  const nothing = {
    derivatives: new Map<string, PublishedDerivative>(),
    stores: new Map<string, readonly string[]>(),
    dependencies: [],
    foreign: new Map<string, PublishedDerivative>(),
  };
  const none = { root: folder, folder, abi: undefined, ...nothing };
  if (!isRoot) return { ...none, name: folder };
  const { name, dependencies, peerDependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    name?: string;
    dependencies?: object;
    peerDependencies?: object;
  };
  const at = ["dist", "."].map((each) => join(folder, each)).find((each) => existsSync(join(each, "pullback.json")));
  if (at === undefined) return { ...none, name: name ?? folder };
  const manifest = JSON.parse(readFileSync(join(at, "pullback.json"), "utf8")) as Partial<Manifest>;
  const key = ({ module, name }: { readonly module: string; readonly name: string }) => `${module}#${name}`;
  type Registered = NonNullable<Manifest["registrations"]>[number];
  const ruleOf = ({ modes, wrt, receiver, effects, retains }: Registered): PublishedDerivative => ({
    modes,
    rule: { wrt, receiver, effects, retains },
  });
  const [own, foreign] = [false, true].map((isForeign) =>
    (manifest.registrations ?? []).filter((each) => (each.package !== undefined) === isForeign),
  ) as [Registered[], Registered[]];
  return {
    name: name ?? folder,
    root: folder,
    folder: at,
    abi: manifest.abi ?? 0,
    dependencies: Object.keys({ ...dependencies, ...peerDependencies }),
    foreign: new Map(foreign.map((each) => [foreignKey(each), ruleOf(each)])),
    derivatives: new Map<string, PublishedDerivative>([
      ...(manifest.derivatives ?? []).map(({ modes, conduct, ...each }) => [key(each), { modes, conduct }] as const),
      ...own.map((each) => [key(each), ruleOf(each)] as const),
    ]),
    stores: new Map((manifest.classes ?? []).map((each) => [key(each), each.stores])),
  };
}

function moduleOf(folder: string, file: string): string {
  return relative(folder, file)
    .replaceAll("\\", "/")
    .replace(/(\.d)?\.(m?)ts$/, ".$2js");
}

/** The name of a declaration in its module, as manifests write it. */
export function publishedName(ts: TypeScript, declaration: ts.Declaration): string {
  const own = (declaration as ts.NamedDeclaration).name?.getText() ?? "default";
  if (ts.isClassLike(declaration)) return `${own}.constructor`;
  const owner = declaration.parent;
  if (!ts.isClassLike(owner) && !ts.isInterfaceDeclaration(owner)) return own;
  const ownerName = owner.name?.text ?? "default";
  if (ts.isConstructorDeclaration(declaration)) return `${ownerName}.constructor`;
  const isStatic =
    ts.canHaveModifiers(declaration) &&
    ts.getModifiers(declaration)?.some((each) => each.kind === ts.SyntaxKind.StaticKeyword) === true;
  const accessor = ts.isGetAccessor(declaration) ? "get " : ts.isSetAccessor(declaration) ? "set " : "";
  return `${ownerName}.${isStatic ? "static " : ""}${accessor}${own}`;
}

/** Why a call of what a package publishes cannot be differentiated: code, message and remedy. */
export function refusalOf(name: string, found: Exclude<Published, { kind: "derivative" }>) {
  if (found.kind === "mismatch") {
    return {
      code: "PB3020",
      message: `The package ${found.package}, which declares ${name}, was compiled for version ${found.abi} of the binary interface; this compiler reads ${abiVersion}.`,
      hint: "Build the package again with this version of Pullback, or align the versions.",
    };
  }
  if (found.kind === "none") {
    return {
      code: "PB3021",
      message: `The package ${found.package} publishes no derivative of ${name}.`,
      hint: `Tag it @differentiable there and build the package again, or register one: registerDerivative(${name}, …).`,
    };
  }
  return {
    code: "PB3022",
    message: `The package ${found.package}, which declares ${name}, is not compiled by Pullback.`,
    hint: `Register a derivative: registerDerivative(${name}, …); or compile the package with \`pullback build\`.`,
  };
}
