/**
 * What the fields of a row mean, written once more for reading, and the kernel's reading of the same: all columns, in both
 * formats. Texts are of one character a byte.
 */
import { isHashKind } from "../../src/core/identifiers.js";
import * as layout from "../../src/core/layout.js";
import { resultName } from "../../src/core/results.js";
import { bytes, type Cuts, type JobOptions, parseRecords, readId, readKeyOf, view } from "./csv-kernel.js";
import { type ReadId, referenceAmount, referenceId } from "./csv-reference.js";

/** The columns that a file may have. */
export const ROLES = {
  id: layout.ROLE_ID,
  debit: layout.ROLE_DEBIT,
  credit: layout.ROLE_CREDIT,
  amount: layout.ROLE_AMOUNT,
  code: layout.ROLE_CODE,
  userData: layout.ROLE_USER_DATA,
  linked: layout.ROLE_LINKED,
  pending: layout.ROLE_PENDING,
  post: layout.ROLE_POST,
  void: layout.ROLE_VOID,
  balancingDebit: layout.ROLE_BALANCING_DEBIT,
  balancingCredit: layout.ROLE_BALANCING_CREDIT,
  closingDebit: layout.ROLE_CLOSING_DEBIT,
  closingCredit: layout.ROLE_CLOSING_CREDIT,
  timeout: layout.ROLE_TIMEOUT,
  expectedDebitVersion: layout.ROLE_EXPECTED_DEBIT_VERSION,
  expectedCreditVersion: layout.ROLE_EXPECTED_CREDIT_VERSION,
  effectiveDate: layout.ROLE_EFFECTIVE_DATE,
} as const;

export type Role = keyof typeof ROLES;
export const ALL_ROLES = Object.keys(ROLES) as Role[];

const FLAGS: Partial<Record<Role, number>> = {
  linked: 1,
  pending: 2,
  balancingDebit: 16,
  balancingCredit: 32,
  closingDebit: 64,
  closingCredit: 128,
};

/** A row that can be executed. */
export interface Content {
  readonly flags: number;
  readonly id: ReadId;
  readonly debit: ReadId;
  readonly credit: ReadId;
  readonly amount: bigint;
  readonly code: number;
  readonly userData: bigint;
  readonly pending: ReadId | undefined;
  readonly timeout: number;
  readonly versions: readonly [bigint, bigint] | undefined;
  /** Days since 1970. */
  readonly day: number | undefined;
  readonly asked: bigint | undefined;
}

/** What became of a row: of one that is refused, why, and whether it is linked. */
export type Row =
  | { readonly status: "ok"; readonly content: Content }
  | { readonly status: string; readonly role: Role | "none"; readonly linked: boolean };

/** How the file is laid out: for CSV the columns in order, for NDJSON the names of members. */
export type Format =
  | { readonly format: "csv"; readonly columns: readonly Role[] }
  | { readonly format: "ndjson"; readonly members: ReadonlyMap<string, Role> };

/** The kernel's reading of a file. */
export function parseTransfers(
  text: string,
  format: Format,
  scale: number,
  cuts: Cuts = {},
  job: Pick<JobOptions, "onBatch"> = {},
): Row[] {
  const config = layout.JOB_CONFIG;
  const roles = format.format === "csv" ? format.columns : [...format.members.values()];
  bytes.fill(0, config, layout.RESULT_NAMES);
  view.setUint32(config + layout.JC_SCALE, scale, true);
  bytes[config + layout.JC_DELIMITER] = ",".charCodeAt(0);
  bytes[config + layout.JC_HAS_ID] = roles.includes("id") ? 1 : 0;
  bytes[config + layout.JC_HAS_LINKED] = roles.includes("linked") ? 1 : 0;
  bytes[config + layout.JC_HAS_EXTRAS] = 1;
  if (format.format === "csv") {
    view.setUint32(config + layout.JC_COLUMN_COUNT, roles.length, true);
    bytes.set(
      roles.map((role) => ROLES[role]),
      config + layout.JC_ROLES,
    );
  } else {
    bytes[config + layout.JC_FORMAT] = layout.FORMAT_NDJSON;
    bytes[config + layout.JC_MEMBER_COUNT] = format.members.size;
    [...format.members].forEach(([name, role], index) => {
      const member = config + layout.JC_MEMBERS + index * layout.JC_MEMBER_SIZE;
      const encoded = Buffer.from(name);
      bytes[member + layout.JM_ROLE] = ROLES[role];
      view.setUint16(member + layout.JM_LENGTH, encoded.length, true);
      bytes.set(encoded, member + layout.JM_NAME);
    });
  }
  return parseRecords(text, cuts, job, readRecord);
}

/** Whether the row is linked to the next one. */
export function isLinked(row: Row): boolean {
  return "content" in row ? (row.content.flags & layout.TRANSFER_LINKED) !== 0 : row.linked;
}

function readRecord(record: number): Row {
  const flags = view.getUint16(record + layout.TR_FLAGS, true);
  const hasCold = (flags & layout.TR_HAS_COLD) !== 0;
  const status = bytes[record + layout.TR_STATUS]!;
  if (status !== 0) {
    const number = hasCold ? bytes[record + layout.TR_STATUS_ROLE]! : 0;
    const role = ALL_ROLES.find((name) => ROLES[name] === number) ?? "none";
    return { status: resultName(status), role, linked: (flags & layout.TRANSFER_LINKED) !== 0 };
  }
  const wide = (address: number): bigint =>
    view.getBigUint64(address, true) | (view.getBigUint64(address + 8, true) << 64n);
  const low = view.getBigUint64(record + layout.TR_AMOUNT, true);
  const kind = bytes[record + layout.TR_PENDING_KIND]!;
  const isHash = isHashKind(kind);
  const known = flags & ~layout.TR_INTERNAL_FLAGS;
  const content: Content = {
    flags: known,
    id: readId(record, 0),
    debit: readId(record, 1),
    credit: readId(record, 2),
    amount: hasCold ? low | (view.getBigUint64(record + layout.TR_AMOUNT_HIGH, true) << 64n) : low,
    code: view.getUint16(record + layout.TR_CODE, true),
    userData: hasCold ? wide(record + layout.TR_USER_DATA) : 0n,
    pending:
      (known & layout.TRANSFER_RESOLVES) !== 0
        ? readKeyOf(
            kind,
            record + layout.TR_PENDING_ID,
            isHash ? view.getUint32(record + layout.TR_PENDING_TEXT, true) : 0,
          )
        : undefined,
    timeout: hasCold ? view.getUint32(record + layout.TR_TIMEOUT, true) : 0,
    versions:
      (flags & layout.TR_HAS_EXPECTED) !== 0
        ? [
            view.getBigUint64(record + layout.TR_EXPECTED_DEBIT_VERSION, true),
            view.getBigUint64(record + layout.TR_EXPECTED_CREDIT_VERSION, true),
          ]
        : undefined,
    day: (flags & layout.TR_HAS_DATE) !== 0 ? view.getInt32(record + layout.TR_EFFECTIVE_DATE, true) : undefined,
    asked: (known & layout.TRANSFER_ASKS) !== 0 ? wide(record + layout.TR_ASKED_AMOUNT) : undefined,
  };
  return { status: "ok", content };
}

/** What a row with these fields should be; a field that is not there is empty. `hasLinked`: the file has that column. */
export function referenceTransfer(
  fields: Readonly<Partial<Record<Role, string>>> | undefined,
  roles: readonly Role[],
  scale: number,
): Row {
  if (fields === undefined) return { status: "invalid_row", role: "none", linked: roles.includes("linked") };
  const field = (role: Role): string => fields[role] ?? "";
  const flagOf = (role: Role): boolean | undefined => {
    const text = field(role).toLowerCase();
    return ["true", "1"].includes(text) ? true : ["", "false", "0"].includes(text) ? false : undefined;
  };
  const whole = (role: Role, limit: bigint): bigint | undefined => {
    if (!/^[0-9]*$/.test(field(role))) return undefined;
    const value = BigInt(field(role) === "" ? 0 : field(role));
    return value < limit ? value : undefined;
  };
  const linked = flagOf("linked") !== false;
  const refuse = (status: string, role: Role): Row => ({ status, role, linked });

  const isPost = field("post") !== "";
  const isVoid = field("void") !== "";
  const isOpen = field("amount") === "" && (isPost || isVoid);
  const amount = isOpen ? 0n : referenceAmount(field("amount"), scale);
  if (amount === undefined) return refuse("invalid_amount", "amount");
  const code = whole("code", 65_536n);
  if (code === undefined) return refuse("invalid_code", "code");
  const userData = whole("userData", 2n ** 128n);
  if (userData === undefined) return refuse("invalid_user_data", "userData");
  let flags = (isPost ? 4 : 0) | (isVoid ? 8 : 0);
  for (const role of Object.keys(FLAGS) as Role[]) {
    const flag = flagOf(role);
    if (flag === undefined) return refuse("invalid_flag", role);
    if (flag) flags |= FLAGS[role]!;
  }
  const timeout = whole("timeout", 2n ** 32n);
  if (timeout === undefined || (timeout === 0n && field("timeout") !== "")) return refuse("invalid_timeout", "timeout");
  const versionOf = (role: Role): bigint | undefined => (field(role) === "" ? 2n ** 64n - 1n : whole(role, 2n ** 53n));
  const debitVersion = versionOf("expectedDebitVersion");
  if (debitVersion === undefined) return refuse("invalid_expected_version", "expectedDebitVersion");
  const creditVersion = versionOf("expectedCreditVersion");
  if (creditVersion === undefined) return refuse("invalid_expected_version", "expectedCreditVersion");
  const date = field("effectiveDate");
  const day = date === "" ? undefined : dayOf(date);
  if (date !== "" && day === undefined) return refuse("invalid_effective_date", "effectiveDate");
  const id = referenceId(field("id"));
  if (roles.includes("id")) {
    if (id.kind === "none") return refuse("id_must_not_be_empty", "id");
    if (id.kind === "too long") return refuse("id_too_long", "id");
    if (id.kind === "not UTF-8") return refuse("id_not_utf8", "id");
  }
  const isAny = field("expectedDebitVersion") === "" && field("expectedCreditVersion") === "";
  const content: Content = {
    flags,
    id,
    debit: referenceId(field("debit")),
    credit: referenceId(field("credit")),
    amount,
    code: Number(code),
    userData,
    pending: isPost ? referenceId(field("post")) : isVoid ? referenceId(field("void")) : undefined,
    timeout: Number(timeout),
    versions: isAny ? undefined : [debitVersion, creditVersion],
    day,
    asked: (flags & (4 | 8 | 16 | 32)) !== 0 ? amount : undefined,
  };
  return { status: "ok", content };
}

/** Days since 1970 of a date that JavaScript takes for the same day, undefined where there is none. */
function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith("0000")) return undefined;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  // It takes the 31st of a shorter month for a day of the next one.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 10) !== text) return undefined;
  return milliseconds / 86_400_000;
}
