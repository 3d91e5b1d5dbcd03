/** Maps items, at most so many at once, begun in their order. After an error none is begun any more. */
export async function mapSome<T, R>(
  items: readonly T[],
  atOnce: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let failed = false;
  const left = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of left) {
      try {
        results[index] = await map(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, work);
  // What is under way is waited for: nothing is begun behind the back of whoever cleans up.
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return results;
}
