/**
 * Linearizability of recorded histories: whether every operation can be given one moment between its invocation and its
 * response, such that executing the operations in the order of those moments gives the results that were seen.
 *
 * The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993): whatever was invoked before
 * the first response that is still to come may be next. As Lowe ("Testing for Linearizability", 2017) does, a set of
 * executed operations that led to a state once is not tried again.
 */

/** One operation of a history: what was asked and answered, and when, by a clock that no two events share. */
export interface Event<Operation, Result> {
  readonly operation: Operation;
  readonly result: Result;
  readonly invoked: number;
  readonly responded: number;
}

/** What operations do, one after the other. */
export interface Specification<State, Operation, Result> {
  readonly initial: State;
  /** The state after the operation, or undefined where it can't have had this result. */
  next(state: State, operation: Operation, result: Result): State | undefined;
  /** Equal states have equal keys. */
  key(state: State): string;
}

/** An order of the events that explains the history, as indexes into it; undefined where there is none. */
export function findLinearization<State, Operation, Result>(
  history: readonly Event<Operation, Result>[],
  { initial, next, key }: Specification<State, Operation, Result>,
): number[] | undefined {
  const order: number[] = [];
  const tried = new Set<string>();
  const search = (executed: bigint, state: State): boolean => {
    if (order.length === history.length) return true;
    const position = `${executed} ${key(state)}`;
    if (tried.has(position)) return false;
    tried.add(position);
    const waiting = history.map((_, index) => index).filter((index) => (executed & (1n << BigInt(index))) === 0n);
    const firstResponse = Math.min(...waiting.map((index) => history[index]!.responded));
    for (const index of waiting) {
      const { operation, result, invoked } = history[index]!;
      if (invoked > firstResponse) continue;
      const after = next(state, operation, result);
      if (after === undefined) continue;
      order.push(index);
      if (search(executed | (1n << BigInt(index)), after)) return true;
      order.pop();
    }
    return false;
  };
  return search(0n, initial) ? order : undefined;
}
