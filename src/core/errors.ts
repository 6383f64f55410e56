/** The one class of exceptions: misuse, input or output failures and bugs. Business rejections are result codes. */

/** What a {@link LedgerError} may carry besides its message. */
export interface LedgerErrorOptions {
  /** The error underneath, as the system or a library reported it. */
  readonly cause?: unknown;
  /** Figures and names of the message, for programs. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Misuse, a failure of input or output, or a bug.
 *
 * `code` is stable and meant for programs; `message` says what was expected, what was found, where, and what to do
 * next. `docs/errors.md` lists the codes.
 */
export class LedgerError extends Error {
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: LedgerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LedgerError";
    this.code = code;
    this.details = options.details ?? {};
  }
}
