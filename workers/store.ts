/** Entry point of the SQLite store's thread. */
import { parentPort, workerData } from "node:worker_threads";
import { serveStore } from "../src/stores/sqlite-file.js";

serveStore(parentPort!, workerData);
