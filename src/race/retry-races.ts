/**
 * The client that times out and asks again.
 *
 * A payment service makes the payment, and its answer comes too late. The client can't know that. Asking again is right
 * if the request carries an id of the client's, as the ledger makes one transfer an id, for ever; without one, the
 * service takes the second request for a second payment. A lock would not help: the requests come one after the other.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Ledger, openLedger } from "../ledger.js";
import { OPENING_BALANCE, type RaceCase, type RaceOutcome, WITHDRAWAL, WITHDRAWALS } from "./race-case.js";
import { Timeline } from "./timeline.js";

const HOST = "127.0.0.1";
/** How long the client waits for its first answer, which never comes in time, and for its second, which does. */
const FIRST_MS_MAX = 150;
const SECOND_MS_MAX = 20_000;

/** What a client asks for. */
interface Payment {
  readonly amount: string;
  readonly id?: string;
}

export function retryRaces(): RaceCase[] {
  const race = (name: string, expected: RaceCase["expected"], payment: Payment): RaceCase => ({
    group: "retry after a time-out",
    name,
    expected,
    forced: "timed out, asked again",
    mustMeet: true,
    run: () => payAndRetry(payment),
  });
  const amount = String(WITHDRAWAL);
  return [
    race("without an id", "forbidden", { amount }),
    race("with an id", "acceptable", { amount, id: "payment-1" }),
  ];
}

async function payAndRetry(payment: Payment): Promise<RaceOutcome> {
  const timeline = new Timeline();
  const ledger = await openLedger(":memory:", { mode: "event-loop" });
  try {
    // The customer has credit and may go below zero: only the id stands between them and paying twice.
    await ledger.createAccounts(["bank", "customer", "shop"].map((id) => ({ id, asset: "EUR" })));
    await ledger.createTransfers([{ id: "opening", debit: "bank", credit: "customer", amount: OPENING_BALANCE }]);
    const service = await startService(ledger, timeline);
    try {
      const asked = JSON.stringify(payment);
      timeline.add("client", `asks for a payment: ${asked}`);
      const first = await post(service.port, asked, FIRST_MS_MAX);
      timeline.add("client", `has ${first ?? "no answer"} after ${FIRST_MS_MAX} ms, and asks again: ${asked}`);
      const second = await post(service.port, asked, SECOND_MS_MAX);
      timeline.add("client", `has the answer: ${second}`);
      return {
        balance: ledger.account("customer")!.balance,
        paid: service.results.filter((result) => result === "ok").length,
        met: first === undefined && service.results.length === WITHDRAWALS,
        timeline: timeline.events(),
      };
    } finally {
      await service.close();
    }
  } finally {
    await ledger.close();
  }
}

interface Service {
  readonly port: number;
  /** What became of each request in the ledger. */
  readonly results: readonly string[];
  close(): Promise<void>;
}

/** A payment service whose first answer is late: it is given when the client has hung up. */
async function startService(ledger: Ledger, timeline: Timeline): Promise<Service> {
  const results: string[] = [];
  const serve = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const hungUp = once(answer, "close");
    const { id, amount } = JSON.parse(await text(incoming)) as Payment;
    // What services do whose clients send no id: every request gets one of its own, so every request is a new payment.
    const transfer = { id: id ?? randomUUID(), debit: "customer", credit: "shop", amount: BigInt(amount) };
    const [made] = await ledger.createTransfers([transfer]);
    results.push(made!.result);
    timeline.add("service", `makes transfer ${transfer.id}: ${made!.result}`);
    if (results.length === 1) await hungUp;
    answer.end(made!.result);
  };
  const server = createServer((incoming, answer) => {
    serve(incoming, answer).catch((error: unknown) => answer.destroy(error as Error));
  });
  server.listen(0, HOST);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { port: (server.address() as AddressInfo).port, results, close };
}

/** Posts the payment. Returns the answer, or undefined where none has come within that time of sending. */
function post(port: number, body: string, milliseconds: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const sending = request({ host: HOST, port, method: "POST", agent: false }, (answer) => {
      text(answer).then(resolve, reject);
    });
    sending.setTimeout(milliseconds, () => {
      resolve(undefined);
      sending.destroy();
    });
    sending.on("error", reject);
    sending.end(body);
  });
}
