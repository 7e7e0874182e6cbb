// The release of this package, as its package.json says: the core reads no files. A test compares the two.

/** The release of the core, such as `0.1.0`. */
export const VERSION = "0.1.0";
