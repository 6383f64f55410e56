/** HTML from templates: whatever is put into one is text and is escaped, unless it is markup itself. */

/** Text that is HTML already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template. */
export type Content = string | number | Markup | readonly Markup[];

/** Makes markup: `html\`<p>${name}</p>\`` holds the name as text, whatever characters it has. */
export function html(template: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  let text = template[0]!;
  for (const [i, content] of contents.entries()) text += written(content) + template[i + 1]!;
  return new Markup(text);
}

function written(content: Content): string {
  if (content instanceof Markup) return content.text;
  if (typeof content === "string" || typeof content === "number") return escapeText(String(content));
  return content.map(({ text }) => text).join("");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it may stand in an element or in an attribute within quotes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}
