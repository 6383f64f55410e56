/** Piscina entry point of a bank's workers. */
import { serveBank } from "../src/strategies/memory/worker.js";

export default serveBank;
