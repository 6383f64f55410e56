import { describe, expect, it } from "vitest";
import { readColumns } from "../../src/cli/columns.js";

function read(text: string): Record<string, string> {
  return Object.fromEntries(readColumns("--columns", text, ["debit", "credit"], ["id"]));
}

describe("lists of columns", () => {
  it.for([
    ["debit=from,credit=to", { debit: "from", credit: "to" }],
    ["credit=to,id=no,debit=from", { credit: "to", id: "no", debit: "from" }],
    ["debit=opening balance,credit= to ", { debit: "opening balance", credit: " to " }],
    ["debit=a\\,b,credit=c\\=d", { debit: "a,b", credit: "c=d" }],
    ['debit=Łódź,credit="q"', { debit: "Łódź", credit: '"q"' }],
  ] as const)("%j", ([text, columns]) => {
    expect(read(text)).toEqual(columns);
  });

  it.for([
    ["", /--columns: '' is not of the form NAME=HEADER, for example debit=account/],
    ["debit", /'debit' is not of the form/],
    ["debit=", /'debit=' is not of the form/],
    ["debit=a=b,credit=c", /'debit=a=b' is not of the form/],
    ["debit=a,,credit=c", /'' is not of the form/],
    ["Debit=a,credit=c", /'Debit' is not a column that this file can have: expected debit, credit, id/],
    ["debit=a,debit=b,credit=c", /'debit' is named twice/],
    ["debit=a", /'credit=…' is missing: expected debit=…, credit=…$/],
  ] as const)("%j is refused", ([text, message]) => {
    expect(() => read(text)).toThrow(message);
  });
});
