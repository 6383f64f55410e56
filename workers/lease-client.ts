/** Entry point of the processes that race for a lock whose lease runs out. */
import { serveRace } from "../src/race/lease/client.js";

await serveRace(JSON.parse(process.argv[2]!));
