/** What a keeper is asked for and answers: one JSON text each, the request as its argument, the answer on its output. */

/** Servers to start. */
export interface KeeperRequest {
  readonly postgres: boolean;
  /** Independent Redis servers, 0 for none. */
  readonly redisNodes: number;
}

/** What became of one kind of server: where it is, or why it is not there and what to do about that. */
export type KeeperAnswer = { readonly urls: readonly string[] } | { readonly missing: string };

/** Sent as one line once every server answers or has failed. */
export interface KeeperReport {
  readonly postgres?: KeeperAnswer;
  readonly redis?: KeeperAnswer;
}
