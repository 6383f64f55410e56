/** Piscina entry point of the engine's workers. */
import { executeBatch } from "../src/engine/worker.js";

export default executeBatch;
