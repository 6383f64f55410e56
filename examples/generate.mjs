/**
 * Writes a settlement job to try: `accounts.csv` and `transfers.csv` of a made-up town, the same on every machine.
 *
 * usage: node examples/generate.mjs FOLDER [TRANSFERS]
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = "example-output", count = "120000"] = process.argv.slice(2);

/** xorshift32 from a fixed seed. */
let state = 20_240_229;
function random(limit) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const households = Array.from({ length: 5000 }, (_, i) => `household-${String(i + 1).padStart(4, "0")}`);
const employers = Array.from({ length: 40 }, (_, i) => `employer-${String(i + 1).padStart(2, "0")}`);
const shops = Array.from({ length: 300 }, (_, i) => `shop-${String(i + 1).padStart(3, "0")}`);
const landlords = Array.from({ length: 120 }, (_, i) => `landlord-${String(i + 1).padStart(3, "0")}`);

const accounts = [
  ...households.map((id) => [id, `${20 + random(900)}.${String(random(100)).padStart(2, "0")}`]),
  ...employers.map((id) => [id, `${900_000 + random(900_000)}.00`]),
  ...shops.map((id) => [id, "250.00"]),
  ...landlords.map((id) => [id, "0"]),
];

/** What people of the town do, and how often. */
function instruction() {
  const pick = (list) => list[random(list.length)];
  const kind = random(100);
  if (kind < 12) return [pick(employers), pick(households), 900 + random(2600), "salary"];
  if (kind < 20) return [pick(households), pick(landlords), 350 + random(700), "rent"];
  if (kind < 90) return [pick(households), pick(shops), 2 + random(120), "purchase"];
  return [pick(households), pick(households), 1 + random(200), "gift, or a debt between friends"];
}

mkdirSync(folder, { recursive: true });
writeFileSync(
  join(folder, "accounts.csv"),
  `account,opening balance\n${accounts.map(([id, opening]) => `${id},${opening}\n`).join("")}`,
);

const lines = ["reference,from,to,amount,currency,purpose"];
for (let row = 1; row <= Number(count); row++) {
  const [from, to, units, purpose] = instruction();
  const amount = `${units}.${String(random(100)).padStart(2, "0")}`;
  // A reference as banks give them; one row in five thousand comes twice, as it does in real files.
  const number = row % 5000 === 0 ? row - 1 : row;
  const reference = `PMT-${createHash("sha256").update(String(number)).digest("hex").slice(0, 12).toUpperCase()}`;
  lines.push(`${reference},${from},${to},${amount},EUR,${purpose.includes(",") ? `"${purpose}"` : purpose}`);
}
writeFileSync(join(folder, "transfers.csv"), `${lines.join("\n")}\n`);
