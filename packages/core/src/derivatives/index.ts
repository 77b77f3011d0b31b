/** Registers the derivatives of all operations. */
