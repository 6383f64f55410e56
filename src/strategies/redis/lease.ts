/**
 * Locks that let go by themselves. Whoever holds one has a lease: the lock is theirs until a moment that somebody
 * else's clock decides, whether or not they are still at work.
 */

/** A lock held, or believed to be. */
export interface Lease {
  readonly resource: string;
  /** Random, the holder's own: only who knows it can let go. */
  readonly token: string;
  /** By this process's monotonic clock (`performance.now()`), the moment from which another may hold the lock. */
  readonly validUntil: number;
}

export interface LeaseLock {
  /** Takes the lock on the resource, or says at once that another has it. */
  tryAcquire(resource: string): Promise<Lease | undefined>;
  /** Lets go. False where the lock was no longer the holder's: it expired before, and may be another's by now. */
  release(lease: Lease): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Whether the lease has run out by this process's clock. "No" is true for the moment of asking: the process may be
 * stopped right behind the question, so it can't make what follows safe.
 */
export function hasExpired(lease: Lease): boolean {
  return performance.now() >= lease.validUntil;
}
