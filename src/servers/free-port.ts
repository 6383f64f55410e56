/** Ports for servers that want to be told theirs. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** The interface that our servers listen on: nobody outside this machine reaches them. */
export const LOCAL_HOST = "127.0.0.1";

/** Times a server is started again because somebody else took its port in the meantime. */
export const PORT_ATTEMPTS = 5;

/** A port that is free at this moment. Somebody else may take it before it is used. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, LOCAL_HOST);
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
