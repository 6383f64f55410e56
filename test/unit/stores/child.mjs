/**
 * A process of its own for the tests that need one. `node child.mjs <errand> <path>`; says what happened on stdout.
 *
 *   open    opens the ledger, says `open` or the error's code, and ends
 *   leave   opens the ledger, says `open`, and leaves it to the end of the process
 *   hold    opens the ledger, says `open`, and keeps it until it is killed
 *   commit  commits groups of 5 chunks until it is killed, and says after each how many chunks are acknowledged
 *   tear    changes any SQLite database, and dies in the middle of the transaction with half of it on disk
 */
import { writeSync } from "node:fs";
import SQLite from "better-sqlite3";
import * as layout from "../../../dist/src/core/layout.js";
import { openSqliteStore } from "../../../dist/src/stores/sqlite.js";

const [errand, path] = process.argv.slice(2);
// Straight to the descriptor: what was said before a kill must arrive.
const say = (text) => writeSync(1, `${text}\n`);

if (errand === "tear") tear();

const store = await openSqliteStore(path).catch((error) => {
  say(error.code);
  process.exit(1);
});
if (errand === "open") {
  await store.close();
  say("open");
} else if (errand === "leave") {
  say("open");
} else if (errand === "hold") {
  say("open");
  setInterval(() => {}, 1000);
} else {
  await commitForEver();
}

async function commitForEver() {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const view = new DataView(memory.buffer);
  await store.attach(memory);
  let { chunkCount, transferCount } = store.description;
  for (;;) {
    const chunks = [];
    for (let position = 0; position < 5; position++) {
      const recordCount = 1 + ((chunkCount * 37) % 1000);
      const byteLength = layout.CHUNK_HEADER_SIZE + recordCount * layout.JOURNAL_RECORD_SIZE;
      const address = position * 65536;
      new Uint8Array(memory.buffer, address, byteLength).fill(chunkCount);
      view.setUint32(address + layout.CH_MAGIC, layout.CHUNK_MAGIC, true);
      view.setUint16(address + layout.CH_VERSION, layout.CHUNK_VERSION, true);
      view.setUint16(address + layout.CH_KIND, layout.CHUNK_KIND_TRANSFERS, true);
      view.setUint32(address + layout.CH_BYTE_LENGTH, byteLength, true);
      view.setUint32(address + layout.CH_RECORD_COUNT, recordCount, true);
      view.setBigUint64(address + layout.CH_FIRST_SEQUENCE, BigInt(transferCount + 1), true);
      chunks.push({ address, byteLength });
      transferCount += recordCount;
      chunkCount++;
    }
    await store.commit({ chunks, assets: [], jobs: [] });
    say(chunkCount);
  }
}

function tear() {
  const database = new SQLite(path);
  // Too small a cache for the transaction, so that SQLite writes changed pages before the commit.
  database.pragma("cache_size = 2");
  database.exec("BEGIN; CREATE TABLE torn (a)");
  const insert = database.prepare("INSERT INTO torn VALUES (zeroblob(10000))");
  for (let row = 0; row < 100; row++) insert.run();
  process.kill(process.pid, "SIGKILL");
}
