/**
 * Whether a history of concurrent operations is linearizable: whether each could have taken effect at one moment between
 * its beginning and its end, so that the outcomes are those of executing them in the order of these moments.
 *
 * The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory that Lowe added
 * ("Testing for Linearizability", 2017): what has taken effect and the state it led to are tried once. It takes the next
 * operation that could be first, and goes back where one has ended that has not taken effect yet.
 */

/** An operation and its outcome, and when it began and ended on a clock that never shows the same time twice. */
export interface Recorded<Operation> {
  readonly operation: Operation;
  readonly began: number;
  readonly ended: number;
}

/** What operations mean, one after the other. */
export interface Specification<Operation, State> {
  readonly initial: State;
  /** The state after the operation; undefined where its outcome is impossible in this state. */
  apply(state: State, operation: Operation): State | undefined;
}

/** A beginning or an end of an operation, in a list in the order of time. */
interface Event {
  readonly index: number;
  readonly isEnd: boolean;
  previous: Event | undefined;
  next: Event | undefined;
}

interface Choice<State> {
  readonly began: Event;
  readonly before: State;
}

class Search<Operation, State> {
  readonly #history: readonly Recorded<Operation>[];
  readonly #specification: Specification<Operation, State>;
  readonly #head: Event = { index: -1, isEnd: false, previous: undefined, next: undefined };
  readonly #ends: Event[] = [];
  readonly #taken: boolean[];
  /** All operations before this one have taken effect; those behind it that have are in the set. */
  #firstOpen = 0;
  readonly #takenBehind = new Set<number>();
  readonly #tried = new Set<string>();

  constructor(history: readonly Recorded<Operation>[], specification: Specification<Operation, State>) {
    this.#history = [...history].sort((a, b) => a.began - b.began);
    this.#specification = specification;
    this.#taken = this.#history.map(() => false);
    const events = this.#history.flatMap(({ began, ended }, index) => [
      { time: began, index, isEnd: false },
      { time: ended, index, isEnd: true },
    ]);
    let last = this.#head;
    for (const { index, isEnd } of events.sort((a, b) => a.time - b.time)) {
      last.next = { index, isEnd, previous: last, next: undefined };
      last = last.next;
      if (isEnd) this.#ends[index] = last;
    }
  }

  /** An order in which the operations could have taken effect, or undefined. */
  run(): Recorded<Operation>[] | undefined {
    const choices: Choice<State>[] = [];
    let state = this.#specification.initial;
    let event = this.#head.next;
    while (this.#head.next !== undefined) {
      if (event === undefined || event.isEnd) {
        const choice = choices.pop();
        if (choice === undefined) return undefined;
        this.#putBack(choice.began);
        state = choice.before;
        event = choice.began.next;
        continue;
      }
      const after = this.#specification.apply(state, this.#history[event.index]!.operation);
      if (after !== undefined && this.#take(event, after)) {
        choices.push({ began: event, before: state });
        state = after;
        event = this.#head.next;
      } else {
        event = event.next;
      }
    }
    return choices.map(({ began }) => this.#history[began.index]!);
  }

  /** Lets the operation take effect, unless that has been tried with the same operations before it and the same state. */
  #take(began: Event, after: State): boolean {
    this.#mark(began.index, true);
    const key = `${this.#firstOpen}:${[...this.#takenBehind].sort((a, b) => a - b)}:${after}`;
    if (this.#tried.has(key)) {
      this.#mark(began.index, false);
      return false;
    }
    this.#tried.add(key);
    unlink(began);
    unlink(this.#ends[began.index]!);
    return true;
  }

  #putBack(began: Event): void {
    this.#mark(began.index, false);
    relink(this.#ends[began.index]!);
    relink(began);
  }

  #mark(index: number, taken: boolean): void {
    this.#taken[index] = taken;
    if (taken) this.#takenBehind.add(index);
    else this.#takenBehind.delete(index);
    while (this.#takenBehind.delete(this.#firstOpen)) this.#firstOpen++;
    while (!taken && this.#firstOpen > index) {
      this.#firstOpen--;
      if (this.#firstOpen !== index) this.#takenBehind.add(this.#firstOpen);
    }
  }
}

function unlink({ previous, next }: Event): void {
  if (previous !== undefined) previous.next = next;
  if (next !== undefined) next.previous = previous;
}

/** Puts an event back between its neighbours, which are as they were when it was taken out. */
function relink(event: Event): void {
  if (event.previous !== undefined) event.previous.next = event;
  if (event.next !== undefined) event.next.previous = event;
}

/** An order in which the operations of the history could have taken effect, or undefined where there is none. */
export function linearize<Operation, State extends string | number | bigint>(
  history: readonly Recorded<Operation>[],
  specification: Specification<Operation, State>,
): Recorded<Operation>[] | undefined {
  return new Search(history, specification).run();
}

/** What is done with one account, and what came of it. */
export type AccountOperation =
  | { readonly kind: "withdraw"; readonly amount: bigint; readonly isRefused: boolean }
  | { readonly kind: "deposit"; readonly amount: bigint }
  | { readonly kind: "read"; readonly balance: bigint };

/** An account whose balance may not go below zero. */
export function accountSpecification(balance: bigint): Specification<AccountOperation, bigint> {
  return {
    initial: balance,
    apply(state, operation) {
      switch (operation.kind) {
        case "deposit":
          return state + operation.amount;
        case "read":
          return operation.balance === state ? state : undefined;
        case "withdraw": {
          if (state < operation.amount) return operation.isRefused ? state : undefined;
          return operation.isRefused ? undefined : state - operation.amount;
        }
      }
    },
  };
}
