/** What a netting report must say, added up with Maps and bigints from a job's rows and the results file it wrote. */

/** One row of a transfers file, in minor units. */
export interface NettedRow {
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
}

export interface NettedByHand {
  /** The report, amounts in minor units: an asset of scale 0 is written like that. */
  readonly text: string;
  readonly gross: bigint;
  readonly net: bigint;
  readonly accounts: number;
}

/** Nets those rows whose line of `results` (`row,id,result,sequence`, ids without commas) says `ok`. */
export function netByHand(rows: readonly NettedRow[], results: string, asset: string): NettedByHand {
  const positions = new Map<string, { paid: bigint; received: bigint; transfers: number }>();
  const of = (id: string): { paid: bigint; received: bigint; transfers: number } => {
    const position = positions.get(id) ?? { paid: 0n, received: 0n, transfers: 0 };
    positions.set(id, position);
    return position;
  };
  let gross = 0n;
  for (const line of results.split("\n").slice(1, -1)) {
    const [row, , result] = line.split(",");
    if (result !== "ok") continue;
    const { debit, credit, amount } = rows[Number(row) - 1]!;
    gross += amount;
    const payer = of(debit);
    payer.paid += amount;
    payer.transfers++;
    const payee = of(credit);
    payee.received += amount;
    payee.transfers++;
  }
  const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
  const listed = [...positions].map(([id, position]) => ({ id, ...position, net: position.received - position.paid }));
  listed.sort((a, b) => {
    if (size(a.net) !== size(b.net)) return size(a.net) > size(b.net) ? -1 : 1;
    return Buffer.compare(Buffer.from(a.id), Buffer.from(b.id));
  });
  const lines = listed.map(
    ({ id, paid, received, net, transfers }) => `${id},${asset},${paid},${received},${net},${transfers}\n`,
  );
  return {
    text: `id,asset,paid,received,net,transfers\n${lines.join("")}`,
    gross,
    net: listed.reduce((sum, { net }) => (net > 0n ? sum + net : sum), 0n),
    accounts: listed.length,
  };
}
