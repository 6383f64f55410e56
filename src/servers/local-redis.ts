/** Runs `redis-server` from PATH. Only a keeper does that. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { KeptServer } from "./embedded-postgres.js";
import { freePort, LOCAL_HOST, PORT_ATTEMPTS } from "./free-port.js";

const READY = "Ready to accept connections";
const LOG_LINES_KEPT = 20;

/** Starts a Redis that keeps everything in memory, writes nothing to disk, and is gone with all it held when it stops. */
export async function startLocalRedis(): Promise<KeptServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = spawn(
      "redis-server",
      ["--port", String(port), "--bind", LOCAL_HOST, "--save", "", "--appendonly", "no", "--daemonize", "no"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const log: string[] = [];
    const started = await untilReady(child, log);
    if (started) return { url: `redis://${LOCAL_HOST}:${port}`, stop: () => stop(child) };
    const said = log.join("").trim().split("\n").slice(-3).join(" / ");
    if (attempt === PORT_ATTEMPTS || !said.includes("in use")) throw new Error(`it ended while starting (${said})`);
  }
}

/** Whether the server says that it is ready; false where it ends first. Rejects where there is no such program. */
function untilReady(child: ChildProcess, log: string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "ENOENT" ? new Error("there is no redis-server in PATH") : error),
    );
    child.once("close", () => resolve(false));
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        if (log.push(text) > LOG_LINES_KEPT) log.shift();
        if (text.includes(READY)) resolve(true);
      });
    }
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  // Nothing it holds is worth an orderly shutdown.
  child.kill("SIGKILL");
  await ended;
}
