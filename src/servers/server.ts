/** What is known of a database server that strategies run on. */

/** A server that answers. */
export interface Server {
  readonly url: string;
  /** As the server itself reports it, for example `18.4`. */
  readonly version: string;
  /** `environment`: somebody else's, named by a variable. `started`: ours, gone with `close`. */
  readonly origin: "environment" | "started";
}

/** A server that there is none of, and what to do about it. */
export interface MissingServer {
  readonly name: "PostgreSQL" | "Redis";
  readonly reason: string;
}
