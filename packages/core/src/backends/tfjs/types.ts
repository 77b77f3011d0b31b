/** What we use of TensorFlow.js, written down so that nobody needs its types to compile against ours. */

/** A handle on data inside an engine. */
export type DataId = object;

export type TfjsDType = "float32" | "int32" | "bool";

/** What kernels take and give: dense data seen with a shape. Several may share one `dataId`. */
export interface Info {
  readonly dataId: DataId;
  readonly shape: readonly number[];
  readonly dtype: TfjsDType;
}

/** An engine of tfjs, such as its WebAssembly one. Data has a count of references; `disposeData` takes one away. */
export interface Engine {
  write(values: ArrayBufferView, shape: readonly number[], dtype: TfjsDType): DataId;
  readSync(dataId: DataId): ArrayBufferView;
  read(dataId: DataId): Promise<ArrayBufferView>;
  incRef(dataId: DataId): void;
  disposeData(dataId: DataId, force?: boolean): boolean;
  numDataIds(): number;
  /** The cpu engine greets on its first write when this is true. */
  firstUse?: boolean;
}

/** The attributes of kernels. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface KernelConfig {
  readonly kernelFunc: (call: {
    inputs: Record<string, Info> | readonly Info[];
    backend: Engine;
    attrs?: Attributes;
  }) => Info | Info[];
}

/** A tensor of tfjs. */
export interface TfjsTensor extends Info {
  readonly isDisposed?: boolean;
}

/** The functions of `@tensorflow/tfjs-core` that the adapter calls. */
export interface Tfjs {
  readonly version_core?: string;
  getKernel(name: string, backendName: string): KernelConfig | undefined;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  findBackend(name: string): Engine | null;
  engine(): {
    readonly backendName: string;
    readonly registryFactory: Record<string, unknown>;
    makeTensorFromTensorInfo(info: Info): TfjsTensor;
    runKernel(name: string, inputs: Record<string, TfjsTensor>, attrs?: Attributes): unknown;
  };
}
