/** Piscina entry point of the thread that writes and reads exports in SQLite. */
import { serveSqliteFile } from "../src/interchange/sqlite-file.js";

export default serveSqliteFile;
