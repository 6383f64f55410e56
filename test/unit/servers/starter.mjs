/** A process that starts servers, says where they are, and waits to be ended. Its argument: the number of Redis nodes. */
import { startServers } from "../../../dist/src/servers/servers.js";

const servers = await startServers({ postgres: true, redisNodes: Number(process.argv[2]) });
process.stdout.write(`${JSON.stringify([servers.postgres?.url, ...servers.redis.map(({ url }) => url)])}\n`);
setInterval(() => {}, 60_000);
