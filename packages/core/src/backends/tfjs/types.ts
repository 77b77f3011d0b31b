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
  /** 0 for data of another engine. */
  refCount(dataId: DataId): number;
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

/** A tensor of tfjs, as far as it concerns us: a `tf.Tensor` is one. */
export interface TfjsTensor {
  readonly dataId: object;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed?: boolean;
}

/** The functions of `@tensorflow/tfjs-core` that the adapter calls. */
export interface Tfjs {
  readonly version_core?: string;
  getKernel(name: string, backendName: string): KernelConfig | undefined;
  getBackend(): string;
  setBackend(name: string): Promise<boolean>;
  findBackend(name: string): Engine | null;
  customGrad(
    f: (...inputs: readonly unknown[]) => { value: TfjsTensor; gradFunc: (ct: TfjsTensor) => TfjsTensor[] },
  ): (...xs: readonly TfjsTensor[]) => TfjsTensor;
  env(): { set(flag: string, value: boolean): void; getAsync(flag: string): Promise<unknown> };
  engine(): {
    readonly backendName: string;
    /** Takes over a reference: the tensor is tfjs's to dispose of. */
    makeTensorFromTensorInfo(info: Info, engine: Engine): TfjsTensor;
    /** Forgets data that is gone. */
    removeDataId(dataId: DataId, engine: Engine): void;
  };
}
