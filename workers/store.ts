/** Entry point of the SQLite store's thread. */
import { parentPort, workerData } from "node:worker_threads";
import { serveStore } from "../src/stores/sqlite-thread.js";

serveStore(parentPort!, workerData);
