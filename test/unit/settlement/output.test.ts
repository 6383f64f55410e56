/** Output files appear whole or not at all. */
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OutputFile } from "../../../src/settlement/output.js";
import { temporaryFolder } from "../../support/cli.js";

describe("an output file", () => {
  it("is not at its place before it is finished, and alone there afterwards", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "results.csv");
    writeFileSync(path, "old");
    const file = await OutputFile.create(path);
    await file.write("one,");
    await file.write(new TextEncoder().encode("two\n"));
    expect(readFileSync(path, "utf8")).toBe("old");
    await file.finish();
    expect(readFileSync(path, "utf8")).toBe("one,two\n");
    expect(readdirSync(folder)).toEqual(["results.csv"]);
  });

  it("leaves nothing behind when it is given up, and what was there before", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "kept.csv"), "old");
    for (const name of ["kept.csv", "new.csv"]) {
      const file = await OutputFile.create(join(folder, name));
      await file.write("half");
      await file.discard();
    }
    expect(readdirSync(folder)).toEqual(["kept.csv"]);
    expect(readFileSync(join(folder, "kept.csv"), "utf8")).toBe("old");
  });

  it("takes over what a crash left half written", async () => {
    const path = join(temporaryFolder(), "results.csv");
    writeFileSync(`${path}.partial`, "much longer than what is written now");
    const file = await OutputFile.create(path);
    await file.write("short");
    await file.finish();
    expect(readFileSync(path, "utf8")).toBe("short");
  });

  it("replaces what a link names, and leaves the link", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "there"));
    writeFileSync(join(folder, "there", "target.csv"), "old");
    symlinkSync(join(folder, "there", "target.csv"), join(folder, "link.csv"));
    const file = await OutputFile.create(join(folder, "link.csv"));
    await file.write("new");
    await file.finish();
    expect(lstatSync(join(folder, "link.csv")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, "there", "target.csv"), "utf8")).toBe("new");
  });

  it("writes to a pipe or a device itself, which stays what it is", async () => {
    const folder = temporaryFolder();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reading = import("node:fs/promises").then(({ readFile }) => readFile(pipe, "utf8"));
    const file = await OutputFile.create(pipe);
    await file.write("through");
    await file.finish();
    expect(await reading).toBe("through");
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    const nothing = await OutputFile.create("/dev/null");
    await nothing.write("gone");
    await nothing.finish();
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    expect(existsSync("/dev/null.partial")).toBe(false);
  });

  it("says what is in the way", async () => {
    const folder = temporaryFolder();
    const missing = join(folder, "missing", "results.csv");
    await expect(OutputFile.create(missing)).rejects.toMatchObject({
      code: "cannot_create",
      message: `${missing} can't be written: the folder '${join(folder, "missing")}' does not exist: create it first`,
    });
    await expect(OutputFile.create(folder)).rejects.toMatchObject({
      code: "cannot_create",
      message: `${folder} can't be written: it is a directory, expected the path of a file`,
    });
  });

  it.skipIf(!existsSync("/dev/full"))("says that a disk is full", async () => {
    const file = await OutputFile.create("/dev/full");
    const writing = file.write("x");
    await expect(writing).rejects.toMatchObject({
      code: "cannot_write",
      message: expect.stringMatching(/^\/dev\/full can't be written: its disk is full: free some space/),
    });
    await file.discard();
    expect(lstatSync("/dev/full").isCharacterDevice()).toBe(true);
  });
});
