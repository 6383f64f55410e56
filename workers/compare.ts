/** Piscina entry point of the comparison's first question. */
import { doWork } from "../src/compare/work-worker.js";

export default doWork;
