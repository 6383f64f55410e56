import { describe, expect, it } from "vitest";
import { jobOfName } from "../../../src/core/job.js";
import { openingTransferId } from "../../../src/settlement/job.js";

const UUID_8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("names and ids of jobs", () => {
  it("differ by every character of the name, and are always the same", () => {
    const names = ["a", "b", "a ", "A", "accounts", "file-0", "ä", "a".repeat(128)];
    expect(new Set(names.map((name) => jobOfName(name).hash)).size).toBe(names.length);
    expect(new Set(names.map((name) => Buffer.from(jobOfName(name).idPrefix).toString("hex"))).size).toBe(names.length);
    for (const name of names) {
      const job = jobOfName(name);
      expect(job).toEqual(jobOfName(name));
      expect(job.hash).toMatch(/^[0-9a-f]{32}$/);
      expect(BigInt(`0x${job.hash.slice(0, 16)}`)).toBe(job.low);
      expect(BigInt(`0x${job.hash.slice(16)}`)).toBe(job.high);
      // Five octets are left for the row, and the version is 8.
      expect([...job.idPrefix.subarray(11)]).toEqual([0, 0, 0, 0, 0]);
      expect(job.idPrefix[6]! >> 4).toBe(8);
      expect(job.idPrefix[8]! >> 6).toBe(2);
    }
    // Pinned: a ledger of today must know its jobs tomorrow.
    expect(jobOfName("monday").hash).toBe("bc6d0618c092438dd44a8515b6755118");
    expect(Buffer.from(jobOfName("monday").idPrefix).toString("hex")).toBe("b879ce46a80a8bb09653320000000000");
  });

  it("of opening transfers depend on asset and account alone", () => {
    const ids = [
      openingTransferId("USD", "a"),
      openingTransferId("EUR", "a"),
      openingTransferId("USD", "b"),
      openingTransferId("USDa", ""),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(UUID_8);
    expect(openingTransferId("USD", "alice")).toBe("704f6ac4-0ba8-83c4-8a50-e238e458e24e");
  });
});
