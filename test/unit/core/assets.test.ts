/** Assets and amounts in their scale. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { AssetRegistry, formatAmount, parseAsset, SCALE_MAX } from "../../../src/core/assets.js";
import { NO_ASSET } from "../../../src/core/layout.js";

/** Reads a decimal back, written from the definition: digits, a point, exactly `scale` digits. */
function parseAmount(text: string, scale: number): bigint {
  const match = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new Error(`'${text}' is not a decimal`);
  const [, sign, whole, fraction = ""] = match;
  if (fraction.length !== scale) throw new Error(`'${text}' does not have ${scale} digits after the point`);
  const magnitude = BigInt(whole! + fraction);
  return sign === "-" ? -magnitude : magnitude;
}

const amount = fc.oneof(fc.bigInt(-(2n ** 128n), 2n ** 128n), fc.bigInt(-1000n, 1000n));

test.prop([amount, fc.integer({ min: 0, max: SCALE_MAX })], { numRuns: 1000 })(
  "an amount as a decimal in its scale reads back as itself",
  (minor, scale) => {
    expect(parseAmount(formatAmount(minor, scale), scale)).toBe(minor);
  },
);

test.each([
  [0n, 2, "0.00"],
  [5n, 2, "0.05"],
  [-5n, 2, "-0.05"],
  [1050n, 2, "10.50"],
  [1050n, 0, "1050"],
  [-1n, 0, "-1"],
  [1n, 18, "0.000000000000000001"],
  [2n ** 128n - 1n, 3, "340282366920938463463374607431768211.455"],
])("%d at scale %i is %s", (minor, scale, text) => {
  expect(formatAmount(minor, scale)).toBe(text);
});

test.each([
  ["USD", { code: "USD", scale: 2 }],
  ["JPY", { code: "JPY", scale: 0 }],
  ["KWD", { code: "KWD", scale: 3 }],
  ["BTC:8", { code: "BTC", scale: 8 }],
  ["POINTS:0", { code: "POINTS", scale: 0 }],
  ["a.b_c-1:18", { code: "a.b_c-1", scale: 18 }],
  ["USD:4", { code: "USD", scale: 4 }],
])("%s is an asset", (text, asset) => {
  expect(parseAsset(text)).toEqual(asset);
});

test.each([
  ["", "is not a currency"],
  ["usd", "perhaps USD"],
  ["XXQ", "for example XXQ:2"],
  ["BTC", "for example BTC:2"],
  ["BTC:", "expected CODE:SCALE"],
  ["BTC:19", "a scale from 0 to 18"],
  ["BTC:-1", "expected CODE:SCALE"],
  ["BTC:1.5", "expected CODE:SCALE"],
  [":2", "expected CODE:SCALE"],
  ["a b:2", "expected CODE:SCALE"],
  [`${"x".repeat(33)}:2`, "1 to 32 letters"],
])("'%s' is none, and the message says what to write", (text, message) => {
  expect(() => parseAsset(text)).toThrow(expect.objectContaining({ name: "LedgerError", code: "unknown_asset" }));
  expect(() => parseAsset(text)).toThrow(message);
});

test("assets are numbered from 1, found by code, and handed to the store once", () => {
  const registry = new AssetRegistry([{ code: "USD", scale: 2 }]);
  expect(registry.takeUnsaved()).toEqual([]);
  expect(registry.register({ code: "BTC", scale: 8 })).toBe(2);
  expect(registry.register({ code: "BTC", scale: 8 })).toBe(2);
  expect(registry.register({ code: "USD", scale: 2 })).toBe(1);
  expect(registry.number("BTC")).toBe(2);
  expect(registry.number("btc")).toBe(0);
  expect(registry.get(1)).toEqual({ code: "USD", scale: 2 });
  expect(() => registry.get(3)).toThrow("asset number 3");
  expect(() => registry.get(0)).toThrow("asset number 0");
  expect(registry.takeUnsaved()).toEqual([{ code: "BTC", scale: 8 }]);
  expect(registry.takeUnsaved()).toEqual([]);
  const differs = expect.objectContaining({
    code: "asset_scale_differs",
    details: { asset: "USD", expected: 2, found: 3 },
  });
  expect(() => registry.register({ code: "USD", scale: 3 })).toThrow(differs);
});

test("there are as many assets as accounts have room for in their numbers", () => {
  const registry = new AssetRegistry([]);
  for (let number = 1; number < NO_ASSET; number++)
    expect(registry.register({ code: `A${number}`, scale: 0 })).toBe(number);
  const tooMany = expect.objectContaining({
    code: "invalid_argument",
    message: expect.stringContaining("65534 assets"),
  });
  expect(() => registry.register({ code: "B", scale: 0 })).toThrow(tooMany);
  expect(registry.register({ code: "A65534", scale: 0 })).toBe(65_534);
});
