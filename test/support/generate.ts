/** Seeded files for tests that need more rows than a fixture should hold. */

/** A small seeded generator (mulberry32): whole numbers below `limit`. */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) % limit) | 0;
  };
}

export interface Generated {
  readonly accounts: string;
  readonly transfers: string;
}

/**
 * Accounts with little money, and transfers between them of which many are refused; one reference in a hundred was used
 * before, one row in five hundred is malformed.
 */
export function generateJob(accountCount: number, rowCount: number, seed = 1): Generated {
  const random = seededRandom(seed);
  const accounts = ["id,opening\n"];
  for (let i = 0; i < accountCount; i++) accounts.push(`account-${i},${random(900)}.${10 + random(90)}\n`);
  const transfers = ["reference,from,to,amount\n"];
  for (let row = 1; row <= rowCount; row++) {
    const debit = random(accountCount);
    const credit = (debit + 1 + random(accountCount - 1)) % accountCount;
    const reference = random(100) === 0 ? 1 + random(row) : row;
    const amount = random(500) === 0 ? "1.00E+07" : `${random(300)}.${10 + random(90)}`;
    transfers.push(`payment-${reference},account-${debit},account-${credit},${amount}\n`);
  }
  return { accounts: accounts.join(""), transfers: transfers.join("") };
}
