/** How the report looks: one column, quiet colours, figures in columns of even digits, light and dark. */
import { DARK, FONTS, LIGHT, type Theme, variables } from "./theme.js";

function colours(theme: Theme): string {
  return [...variables(theme)].map(([name, colour]) => `${name}:${colour}`).join(";");
}

export const STYLESHEET = `
:root{color-scheme:light dark;${colours(LIGHT)};--soft:#f4f6f8;--accent:#0067a5}
@media (prefers-color-scheme:dark){:root{${colours(DARK)};--soft:#1c2229;--accent:#5cb8f0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 ${FONTS};font-feature-settings:"kern"}
.page{max-width:892px;margin:0 auto;padding:48px 16px 72px}
h1,h2,h3{line-height:1.25;letter-spacing:-.012em;text-wrap:balance}
h1{font-size:clamp(1.7rem,1.2rem + 2.4vw,2.5rem);margin:.1em 0 .5em;font-weight:700}
h2{font-size:1.4rem;margin:3.4rem 0 .5rem;padding-top:1.1rem;border-top:1px solid var(--line);font-weight:650}
h3{font-size:.95rem;margin:1.6rem 0 .3rem;font-weight:650}
p{margin:.6rem 0;max-width:68ch}
.eyebrow{margin:0;color:var(--muted);font-size:.85rem;letter-spacing:.04em}
.lead{font-size:1.15rem;line-height:1.5;max-width:60ch;margin:0 0 1.4rem}
.muted,figcaption,.note{color:var(--muted);font-size:.9rem}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.88em;overflow-wrap:anywhere}
.findings{list-style:none;margin:1rem 0;padding:0;max-width:72ch}
.findings li{padding:.15rem 0 .15rem 1rem;margin:.5rem 0;border-left:3px solid var(--accent)}
.wrong{color:var(--wrong)}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:0;padding:.9rem 1rem;background:var(--soft);border-radius:8px;font-size:.9rem}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
figure{margin:1.6rem 0}
figure svg{display:block;max-width:100%;height:auto}
figcaption{margin-top:.4rem;max-width:68ch}
.narrow{display:none}
.scroll{overflow-x:auto;margin:.3rem 0 1.2rem;-webkit-overflow-scrolling:touch}
.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums lining-nums;line-height:1.35}
th,td{padding:.32rem .8rem .32rem 0;text-align:left;vertical-align:baseline;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{font-weight:500;color:var(--muted);vertical-align:bottom;white-space:pre-line}
.number{text-align:right;padding-left:.6rem}
tbody th{position:sticky;left:0;background:var(--paper);font-weight:500;z-index:1}
td.text{white-space:normal;min-width:16ch}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--accent);font-size:.92rem;padding:.25rem 0}
.strategies{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem;margin:1rem 0}
.strategies article{background:var(--soft);border-radius:8px;padding:1rem 1.1rem}
.strategies h3{margin:0 0 .5rem}
.strategies dl{margin:0;font-size:.9rem}
.strategies dt{color:var(--muted);margin-top:.5rem;font-size:.82rem}
.strategies dd{margin:0}
@media (max-width:700px){.page{padding-top:28px}.wide{display:none}.narrow{display:block}h2{margin-top:2.6rem}.facts{grid-template-columns:1fr;gap:0}tbody th{white-space:normal;min-width:6.5rem;max-width:38vw}.facts dd{margin-bottom:.5rem}}
@media print{.page{max-width:none;padding:0}.scroll{overflow:visible}details>*{display:block}}
`;
