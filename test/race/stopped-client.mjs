/** A process that runs clients of the race for an expired lock, has stopped one of them, and waits to be ended. */
import { openArena } from "../../dist/src/race/lease/arena.js";
import { startServers } from "../../dist/src/servers/servers.js";

const { postgres, redis } = await startServers({ postgres: true, redisNodes: 1 });
const { a, b } = await openArena(postgres.url, redis[0].url);
a.stop();
process.stdout.write(`${JSON.stringify([a.processId, b.processId])}\n`);
