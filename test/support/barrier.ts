/** A barrier that forces a race: whoever awaits it goes on once everybody who can still come has come. */

/** How long a barrier waits for somebody who is kept out, as a lock keeps out the second. */
const KEPT_OUT_MS = 100;

/** The barrier opens when `count` have come, or when nobody has come any more for some time. */
export function barrier(count: number): () => Promise<void> {
  let come = 0;
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    come++;
    if (come >= count) open();
    else setTimeout(open, KEPT_OUT_MS);
    await opened;
  };
}
