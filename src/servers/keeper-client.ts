/** Asks a keeper for servers, and lets go of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { builtFile } from "../core/built.js";
import { LedgerError } from "../core/errors.js";
import type { KeeperReport, KeeperRequest } from "./keeper-protocol.js";

/** Servers under a keeper. */
export interface KeptServers {
  readonly report: KeeperReport;
  /** Ends the servers and waits until nothing of them is left. */
  stop(): Promise<void>;
}

/** Starts a keeper and waits for its report. Throws `server_failed` where the keeper itself fails. */
export async function startKeeper(request: KeeperRequest): Promise<KeptServers> {
  // A process group of its own: Ctrl-C is for this process, which may still need its servers to end in order.
  const child = spawn(process.execPath, [fileURLToPath(builtFile("workers/keeper.js")), JSON.stringify(request)], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const ended = once(child, "close");
  child.stdin.on("error", () => {});
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const line = await firstLine(child.stdout);
  if (line === undefined) {
    await ended;
    throw new LedgerError(
      "server_failed",
      `the process that starts servers has ended without any: ${complaint.trim()}`,
    );
  }
  // From here on neither the servers nor their keeper hold this process back from ending: they end with it.
  const handles = [child, ...([child.stdin, child.stdout, child.stderr] as unknown as Socket[])];
  for (const handle of handles) handle.unref();
  const stop = async (): Promise<void> => {
    for (const handle of handles) handle.ref();
    child.stdin.end();
    await ended;
  };
  return { report: JSON.parse(line) as KeeperReport, stop };
}

/** The first line of the stream, or undefined where it ends before that. */
function firstLine(stream: Readable): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end));
    });
    stream.once("end", () => resolve(undefined));
  });
}
