// What a store does once before its first call: connect, look at the server, make its tables.

/** Makes something when it is first asked for, once for all who ask, and keeps it; what failed is tried again when it is asked for again. */
export function lazily<Made>(make: () => Promise<Made>): () => Promise<Made> {
  let made: Promise<Made> | undefined;
  const attempt = async (): Promise<Made> => {
    try {
      return await make();
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
  return async () => await (made ??= attempt());
}
