/** A client of the race as its coordinator sees it: a process to tell things, to wait for, to stop and to end. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { builtFile } from "../../core/built.js";
import { LedgerError } from "../../core/errors.js";
import {
  type ClientCommand,
  type ClientEvent,
  type ClientOptions,
  RELEASE_PIPE,
  type StampedEvent,
} from "./protocol.js";

type EventOf<Name extends ClientEvent["event"]> = Extract<ClientEvent, { readonly event: Name }> & {
  readonly at: number;
};

export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Called with every event, in their order. */
  #listener: (event: StampedEvent) => void = () => {};
  /** Events that nobody has waited for yet. */
  readonly #unseen: StampedEvent[] = [];
  #wake: () => void = () => {};
  #problem: string | undefined;

  constructor(options: ClientOptions) {
    // Behind the standard streams: the message channel, and the pipe that RELEASE_PIPE is the other end of.
    this.#child = fork(fileURLToPath(builtFile("workers/lease-client.js")), [JSON.stringify(options)], {
      stdio: ["ignore", "ignore", "inherit", "ipc", "pipe"],
      execArgv: [],
    });
    this.#ended = once(this.#child, "exit").then(() => {
      this.#problem ??= "its process has ended";
      this.#wake();
    });
    this.#child.on("message", (event: StampedEvent) => {
      if (event.event === "failed") this.#problem = event.message;
      else {
        this.#unseen.push(event);
        this.#listener(event);
      }
      this.#wake();
    });
  }

  get processId(): number {
    return this.#child.pid!;
  }

  listen(listener: (event: StampedEvent) => void): void {
    this.#listener = listener;
  }

  tell(command: ClientCommand): void {
    this.#child.send(command);
  }

  /** Waits for the client's next event of this kind. Throws `race_failed` where the client fails. */
  async until<Name extends ClientEvent["event"]>(name: Name): Promise<EventOf<Name>> {
    for (;;) {
      const index = this.#unseen.findIndex(({ event }) => event === name);
      if (index >= 0) return this.#unseen.splice(0, index + 1)[index] as EventOf<Name>;
      if (this.#problem !== undefined) {
        throw new LedgerError("race_failed", `a client of the race failed before it '${name}': ${this.#problem}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    this.#child.kill("SIGSTOP");
  }

  continue(): void {
    this.#child.kill("SIGCONT");
  }

  /** Lets the client's blocking call return. */
  unblock(): void {
    (this.#child.stdio[RELEASE_PIPE] as Writable).write(Buffer.of(1));
  }

  /** Ends the process, stopped or not. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
