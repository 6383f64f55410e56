/**
 * Rebuilding a ledger's journal from the rows of an export.
 *
 * Rows are not given to the ledger as new transfers: what was refused in the middle of a chain, or expired at a moment
 * that has passed, can't happen again. They are written as journal chunks instead, in one transaction of the store, and
 * replayed as on opening: each must end as its row says, by the one transfer rule.
 */
import { entrySizeMax } from "../core/account-chunk.js";
import { ACCOUNT_ENTRIES_SIZE_MAX, ACCOUNTS_A_CHUNK } from "../core/accounts.js";
import { parseAsset } from "../core/assets.js";
import { writeExpiryChunk } from "../core/chunk-header.js";
import { LedgerError } from "../core/errors.js";
import { isReservation, type RecordedTransfer } from "../core/journal.js";
import { type JournalAccount, JournalWriter } from "../core/journal-writer.js";
import * as layout from "../core/layout.js";
import type { Engine } from "../engine/engine.js";
import { replay, type Twin } from "../engine/open.js";
import { checkTwins } from "../engine/verify.js";
import type { MemoryRange, Store } from "../stores/store.js";
import { invalidExport, type TableSummary } from "./manifest.js";
import { type Moment, RowReader } from "./read-rows.js";
import type { RowSource } from "./sink.js";
import { ACCOUNTS, EXPIRIES, linesOf, type Row, type Table, type TableName, TableSum, TRANSFERS } from "./tables.js";

/** A chunk counts its rows in 32 bits. */
const CHUNK_ROWS_MAX = 2 ** 32 - 1;
/** Rows whose checksum is added up at a time. */
const SUMMED_ROWS = 256;

/** What a chunk was made of: the table, and the number of its first row. */
interface Origin {
  readonly table: Table;
  readonly first: number;
}

/** The rows of a table, one ahead, counted and summed. */
export class TableReader {
  readonly table: Table;
  readonly name: string;
  readonly #expected: TableSummary;
  readonly #rows: AsyncGenerator<Row>;
  readonly #sum: TableSum;
  #unsummed: Row[] = [];
  /** Number of {@link row}, from 1. */
  number = 0;
  /** Undefined behind the last one. */
  row: Row | undefined;

  private constructor(source: RowSource, table: Table) {
    this.table = table;
    this.name = source.nameOf(table);
    this.#expected = source.manifest.tables[table.name];
    this.#rows = source.rows(table);
    this.#sum = new TableSum(table);
  }

  /** Stands at the first row. */
  static async open(source: RowSource, table: Table): Promise<TableReader> {
    const reader = new TableReader(source, table);
    await reader.next();
    return reader;
  }

  /** Goes to the next row. Throws `invalid_export` where there are more than the manifest says. */
  async next(): Promise<void> {
    const { value, done } = await this.#rows.next();
    this.row = done === true ? undefined : value;
    if (done !== true) this.#unsummed.push(value);
    if (done === true || this.#unsummed.length === SUMMED_ROWS) {
      this.#sum.add(this.#unsummed.length, linesOf(this.#unsummed));
      this.#unsummed = [];
    }
    if (done === true) return;
    this.number++;
    if (this.number > this.#expected.rows) throw this.#differs(`has more than the ${this.#expected.rows} rows`);
  }

  /** Behind the last row: throws `invalid_export` where they are not those that the manifest speaks of. */
  check(): void {
    const { rows, sha256 } = this.#expected;
    if (this.number < rows) throw this.#differs(`ends after ${this.number} of the ${rows} rows`);
    const found = this.#sum.digest();
    if (found !== sha256) throw this.#differs(`has the checksum ${found} instead of the ${sha256}`);
  }

  #differs(what: string): LedgerError {
    return invalidExport(
      `${this.name}: it ${what} that the manifest says: it was changed after it was exported; export the ledger again`,
      { file: this.name },
    );
  }

  /** Ends reading, wherever it stands. */
  async close(): Promise<void> {
    await this.#rows.return(undefined);
  }
}

export class Rebuild {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #source: RowSource;
  readonly #writer: JournalWriter;
  readonly #readers: Readonly<Record<Exclude<TableName, "balances">, RowReader>>;
  /** Bytes of the exchange region that chunks may take, and those in use. */
  readonly #size: number;
  #used = 0;
  #chunks: MemoryRange[] = [];
  #origins: Origin[] = [];
  /** Chunks committed and replayed. */
  #chunkCount = 0;
  /** Jobs that the store does not know yet, and the last one that it knows. */
  #jobs: { readonly hash: string; readonly name: string }[] = [];
  #lastJob: string | undefined;
  readonly #twins: Twin[] = [];
  /** Accounts and transfers of the next chunk. */
  #accounts: JournalAccount[] = [];
  #accountsTime = 0n;
  /** Bytes that they take at most. */
  #accountsSize = 0;
  #transfers: RecordedTransfer[] = [];
  /** Rows that are in chunks, or wait to be. */
  #accountCount = 0;
  transferCount = 0;
  #reservations = 0;

  constructor(engine: Engine, store: Store, source: RowSource) {
    this.#engine = engine;
    this.#store = store;
    this.#source = source;
    this.#writer = new JournalWriter(engine.memory, engine.ids);
    this.#size = engine.plan.exchangeSize;
    const reader = (table: Table): RowReader => new RowReader(engine, table, source.nameOf(table));
    this.#readers = { accounts: reader(ACCOUNTS), transfers: reader(TRANSFERS), expiries: reader(EXPIRIES) };
  }

  /** Writes and replays everything. `onTransfers` is told now and then how many transfers are done. */
  async run(onTransfers: (transfers: number) => void): Promise<void> {
    this.#registerAssets();
    await this.#store.begin();
    const accounts = await TableReader.open(this.#source, ACCOUNTS);
    const expiries = await TableReader.open(this.#source, EXPIRIES);
    const transfers = await TableReader.open(this.#source, TRANSFERS);
    try {
      let account = this.#momentOf(accounts);
      let expiry = this.#momentOf(expiries);
      for (;;) {
        while (this.#isDue(account) || this.#isDue(expiry)) {
          const isExpiry = !this.#isDue(account) || (this.#isDue(expiry) && expiry!.timestamp < account!.timestamp);
          if (isExpiry) {
            await this.#addExpiry(expiries, expiry!);
            expiry = this.#momentOf(expiries);
          } else {
            await this.#addAccount(accounts, account!);
            account = this.#momentOf(accounts);
          }
        }
        if (transfers.row === undefined) break;
        if (this.#accounts.length > 0) await this.#flush();
        await this.#addTransfer(transfers);
        if (this.transferCount % layout.BATCH_CAPACITY === 0) onTransfers(this.transferCount);
      }
    } finally {
      for (const reader of [accounts, expiries, transfers]) await reader.close();
    }
    await this.#flush();
    await this.#store.keep();
    // In this order: what a row is wrong about says more than that something is.
    await this.#checkIds(transfers.name);
    for (const reader of [transfers, accounts, expiries]) reader.check();
    this.#checkReservations();
  }

  #checkReservations(): void {
    const { reservations } = this.#source.manifest;
    if (this.#reservations === reservations) return;
    const found = `${this.#reservations > reservations ? "more" : this.#reservations}`;
    throw invalidExport(
      `the manifest says that ${reservations} of the transfers are "reservations", and there are ${found}: it was changed ` +
        "after the ledger was exported; export it again",
    );
  }

  #registerAssets(): void {
    const { assets } = this.#engine;
    for (const [i, { code, scale }] of this.#source.manifest.assets.entries()) {
      if (assets.number(code) !== 0) throw invalidExport(`the manifest lists the asset '${code}' twice`);
      try {
        assets.register(parseAsset(`${code}:${scale}`));
      } catch (cause) {
        throw invalidExport(`the manifest's asset ${i + 1} can't be: ${(cause as Error).message}`);
      }
    }
  }

  /** When the row that the reader stands at was recorded; undefined behind the last. */
  #momentOf({ table, row, number }: TableReader): Moment | undefined {
    if (row === undefined) return undefined;
    const name = table.name as Exclude<TableName, "balances">;
    return this.#readers[name].moment(row, number, this.#source.manifest.tables.transfers.rows);
  }

  #isDue(moment: Moment | undefined): boolean {
    return moment !== undefined && moment.after <= this.transferCount;
  }

  async #addAccount(reader: TableReader, { timestamp }: Moment): Promise<void> {
    const account = this.#readers.accounts.account(reader.row!, reader.number);
    const size = entrySizeMax(account.metadata?.length ?? 0);
    const isFull =
      this.#accounts.length === ACCOUNTS_A_CHUNK ||
      this.#accountsSize + size > ACCOUNT_ENTRIES_SIZE_MAX ||
      this.#accountsTime !== timestamp;
    if (this.#accounts.length > 0 && isFull) await this.#endAccounts();
    await this.#endTransfers();
    this.#accounts.push(account);
    this.#accountsSize += size;
    this.#accountsTime = timestamp;
    this.#accountCount++;
    await reader.next();
  }

  async #addExpiry(reader: TableReader, { timestamp }: Moment): Promise<void> {
    // Transfers behind it may name these, and look no further than for accounts that wait.
    if (this.#accounts.length > 0) await this.#flush();
    await this.#endTransfers();
    const count = this.#readers.expiries.expired(reader.row!, reader.number);
    await this.#addChunk({ table: EXPIRIES, first: reader.number }, (address) =>
      writeExpiryChunk(this.#engine.view, address, count, timestamp),
    );
    await reader.next();
  }

  async #addTransfer(reader: TableReader): Promise<void> {
    const transfer = this.#readers.transfers.transfer(reader.row!, this.transferCount + 1);
    // There is room for no more than the manifest says, and replaying more would find another row at fault.
    if (isReservation(transfer) && ++this.#reservations > this.#source.manifest.reservations) this.#checkReservations();
    const first = this.#transfers[0];
    const continues =
      first !== undefined &&
      this.#transfers.length < layout.SLICE_CAPACITY &&
      first.timestamp === transfer.timestamp &&
      first.job === transfer.job &&
      transfer.row >= this.#transfers.at(-1)!.row &&
      transfer.row - first.row < CHUNK_ROWS_MAX;
    if (!continues) await this.#endTransfers();
    if (transfer.job !== undefined && transfer.job !== this.#lastJob) {
      const place = TRANSFERS.columns.findIndex(({ name }) => name === "job");
      this.#jobs.push({ hash: transfer.job, name: reader.row![place]! });
      this.#lastJob = transfer.job;
    }
    this.#transfers.push(transfer);
    this.transferCount++;
    await reader.next();
  }

  async #endAccounts(): Promise<void> {
    const accounts = this.#accounts;
    if (accounts.length === 0) return;
    const slot = this.#accountCount - accounts.length;
    await this.#addChunk({ table: ACCOUNTS, first: slot + 1 }, (address) =>
      this.#writer.writeAccounts(address, accounts, slot, this.#accountsTime),
    );
    this.#accounts = [];
    this.#accountsSize = 0;
  }

  async #endTransfers(): Promise<void> {
    const transfers = this.#transfers;
    if (transfers.length === 0) return;
    await this.#addChunk({ table: TRANSFERS, first: transfers[0]!.sequence }, (address) =>
      this.#writer.writeTransfers(address, transfers),
    );
    this.#transfers = [];
  }

  async #addChunk(origin: Origin, write: (address: number) => number): Promise<void> {
    if (this.#used + layout.CHUNK_BUFFER_SIZE > this.#size) await this.#commit();
    const address = this.#engine.plan.exchange + this.#used;
    const byteLength = write(address);
    this.#chunks.push({ address, byteLength });
    this.#origins.push(origin);
    this.#used += Math.ceil(byteLength / 8) * 8;
  }

  /** Brings memory to where the rows are: what comes next may name accounts that came before. */
  async #flush(): Promise<void> {
    await this.#endAccounts();
    await this.#endTransfers();
    await this.#commit();
  }

  /** Gives the chunks to the store, and replays them as it gives them back. */
  async #commit(): Promise<void> {
    const origins = this.#origins;
    const first = this.#chunkCount;
    await this.#store.commit({
      chunks: this.#chunks,
      assets: this.#engine.assets.takeUnsaved(),
      jobs: this.#jobs,
    });
    this.#chunks = [];
    this.#origins = [];
    this.#jobs = [];
    this.#used = 0;
    this.#chunkCount += origins.length;
    try {
      const { twins } = await replay(this.#store, this.#engine, first);
      this.#twins.push(...twins);
    } catch (cause) {
      if (!(cause instanceof LedgerError) || cause.code !== "journal_corrupt") throw cause;
      throw this.#notReplayed(cause, origins, first);
    }
  }

  #notReplayed(cause: LedgerError, origins: readonly Origin[], firstChunk: number): LedgerError {
    const { chunk, record } = cause.details as { chunk: number; record: number };
    const { table, first } = origins[chunk - firstChunk]!;
    const file = this.#source.nameOf(table);
    const row = first + record - 1;
    const what = {
      accounts: ["id", "an account of this id is in a row before it"],
      transfers: ["result", "executing the transfer again ends otherwise"],
      expiries: ["count", "another number of pending transfers was due"],
      balances: ["", ""],
    }[table.name];
    return new LedgerError(
      "invalid_export",
      `${file}, row ${row}, column '${what[0]}': ${what[1]}: this row was changed after it was exported, or one before it`,
      { cause, details: { file, row, column: what[0] } },
    );
  }

  /** No id may stand twice. */
  async #checkIds(file: string): Promise<void> {
    try {
      await checkTwins(this.#store, this.#engine, this.#twins);
    } catch (cause) {
      if (!(cause instanceof LedgerError) || cause.code !== "journal_corrupt") throw cause;
      throw new LedgerError("invalid_export", `${file}, column 'id': ${cause.message}`, { cause, details: { file } });
    }
  }
}
