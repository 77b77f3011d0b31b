/** Registers the derivatives of all operations, through the registry that any library uses. */
import "./unary.ts";
import "./activation.ts";
import "./binary.ts";
import "./reduction.ts";
import "./scan.ts";
import "./layout.ts";
import "./indexing.ts";
import "./sorting.ts";
import "./matmul.ts";
import "./convolution.ts";
import "./linear-algebra.ts";
import "./fourier.ts";
import "./einsum.ts";
import "./normalization.ts";
import "./batch-normalization.ts";
import "./attention.ts";
import "./nn.ts";
