/** Entry point of the process that keeps servers. */
import { keepServers } from "../src/servers/keeper.js";

await keepServers(JSON.parse(process.argv[2]!));
process.exit();
