/** Handing out results in order, and no further ahead of their reader than memory allows. */
import { expect, test } from "vitest";
import { Deliveries } from "../../../src/settlement/deliveries.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A reader that ends one delivery at a time. */
function slowReader(): { read: () => Promise<void>; next: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  return {
    read: () => new Promise<void>((resolve) => waiting.push(resolve)),
    next: async () => {
      waiting.shift()!();
      await turn();
    },
  };
}

test("results are delivered one behind the other, in the order that they were added", async () => {
  const deliveries = new Deliveries(() => {});
  const { read, next } = slowReader();
  const begun: number[] = [];
  for (const batch of [1, 2, 3]) {
    deliveries.add(() => {
      begun.push(batch);
      return read();
    });
  }
  for (const expected of [[1], [1, 2], [1, 2, 3]]) {
    await turn();
    expect(begun).toEqual(expected);
    await next();
  }
  await deliveries.all();
});

test.each([0, 31])(
  "a reader is waited for until fewer than 32 batches wait for it, however many came at once (%i before)",
  async (before) => {
    const deliveries = new Deliveries(() => {});
    const { read, next } = slowReader();
    for (let batch = 0; batch < before; batch++) deliveries.add(async () => {});
    await deliveries.all();
    await deliveries.waitForReader();
    // A chain that no batch holds gives all its results at once.
    for (let batch = 0; batch < 40; batch++) deliveries.add(read);
    let isNear = false;
    const waiting = deliveries.waitForReader().then(() => {
      isNear = true;
    });
    await turn();
    for (let left = 40; left >= 32; left--) {
      expect(isNear, `${left} batches wait`).toBe(false);
      await next();
    }
    expect(isNear).toBe(true);
    await waiting;
  },
);

test("behind a delivery that failed none is tried, and whoever waits is told of it", async () => {
  let failures = 0;
  const deliveries = new Deliveries(() => failures++);
  let isTried = false;
  deliveries.add(() => Promise.reject(new Error("the disk is full")));
  for (let batch = 0; batch < 32; batch++) {
    deliveries.add(async () => {
      isTried = true;
    });
  }
  await expect(deliveries.all()).rejects.toThrow("the disk is full");
  await expect(deliveries.waitForReader()).rejects.toThrow("the disk is full");
  expect([isTried, failures]).toEqual([false, 33]);
});
