/** The report's style sheet: readable on a phone, in light and in dark mode, and on paper. */
export const style = `
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1b2430;--quiet:#5c6773;--line:#dfe3e6;--ice:#2f7fb8;--warm:#d9622b;--good:#2c8a5b;--bad:#c23b3b;--amber:#b9810f;--tint:#e9f2f8}
@media(prefers-color-scheme:dark){:root{--paper:#12171d;--card:#1a2129;--ink:#e6eaee;--quiet:#98a4b0;--line:#2c3640;--ice:#62b1e6;--warm:#f08a57;--good:#55b98a;--bad:#ec7474;--amber:#e0b04a;--tint:#1b2c39}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1000px;padding:32px 20px 80px;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
h1{font-size:clamp(26px,5vw,38px);line-height:1.15;margin:0 0 8px}
h2{font-size:22px;margin:0 0 12px}
h3{font-size:17px;margin:28px 0 6px}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:24px;margin:20px 0}
.brand{color:var(--ice);font-weight:600;letter-spacing:.04em;margin:0 0 20px}
.lead{font-size:18px;max-width:46em;margin:0 0 24px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px}
.fact{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:16px}
.fact b{display:block;font-size:28px;line-height:1.1}
.fact span{display:block;margin-top:4px}
.fact small,.quiet{color:var(--quiet)}
.fact small{font-size:13px}
.split{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:24px;align-items:start}
.why{padding-left:20px;margin:0}.why li{margin-bottom:8px}
.notice{background:var(--tint);border-left:4px solid var(--warm);border-radius:6px;padding:10px 14px;margin:0 0 14px}
.narrow{max-width:520px}
.chart{display:block;width:100%;max-width:720px;height:auto;font-size:13px}
.chart text{fill:var(--quiet)}
.chart .axis{font-size:13px}
.grid{stroke:var(--line)}
.line{fill:none;stroke:var(--ice);stroke-width:2.5;stroke-linejoin:round}
.line.train,.line.none{stroke:var(--quiet)}
.line.light{stroke:var(--ice)}.line.medium{stroke:var(--good)}.line.strong{stroke:var(--amber)}
.error{stroke-width:1.5;stroke:var(--ice)}.error.none{stroke:var(--quiet)}.error.medium{stroke:var(--good)}.error.strong{stroke:var(--amber)}
.point{fill:var(--card);stroke:var(--ice);stroke-width:2}
.point.none{stroke:var(--quiet)}.point.medium{stroke:var(--good)}.point.strong{stroke:var(--amber)}
.dot{fill:var(--warm)}.halo{fill:var(--warm);opacity:.2}
.chart .dot-label{fill:var(--ink);font-weight:600;font-size:15px}
.mark{stroke:var(--warm);stroke-width:1.5;stroke-dasharray:4 4}
.honest{stroke:var(--quiet);stroke-dasharray:5 5}
.frozen,.band{fill:var(--tint)}
.cell{fill:none;stroke:var(--line);stroke-width:1.5}.cell.here{fill:var(--tint);stroke:var(--ice)}
.chart .cell-name{fill:var(--ink);font-size:15px;font-weight:600}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;color:var(--quiet);font-size:14px;margin:8px 0}
.key::before{content:"";display:inline-block;width:14px;height:4px;border-radius:2px;margin-right:7px;vertical-align:middle;background:var(--ice)}
.key.train::before,.key.none::before{background:var(--quiet)}.key.medium::before{background:var(--good)}.key.strong::before{background:var(--amber)}
.key.chosen::before{background:var(--warm);width:10px;height:10px;border-radius:5px}
.scroll{overflow-x:auto;max-height:560px}
table{border-collapse:collapse;font-size:15px;min-width:50%}
th,td{padding:6px 12px 6px 0;text-align:left;border-bottom:1px solid var(--line)}
th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
tr.chosen td{color:var(--warm);font-weight:600}
.matrix{min-width:0}.matrix td{width:44px;min-width:34px;height:36px;padding:2px;text-align:center;border:2px solid var(--card);border-radius:6px;font-variant-numeric:tabular-nums}
.matrix td.right{background:color-mix(in srgb,var(--good) calc(var(--share)*70%),var(--paper))}
.matrix td.wrong{background:color-mix(in srgb,var(--bad) calc(var(--share)*150%),var(--paper))}
.matrix th{border:0;font-weight:400;font-size:14px;max-width:160px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.matrix thead th{vertical-align:bottom;padding:0 0 6px;max-width:44px;overflow:visible}
.matrix thead span{display:block;writing-mode:vertical-rl;transform:rotate(180deg);max-height:140px;overflow:hidden;text-overflow:ellipsis;margin:0 auto}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(120px,1fr));gap:14px}
figure{margin:0}figure img{width:100%;aspect-ratio:1;object-fit:cover;border-radius:10px;background:var(--line)}
figcaption{font-size:13px;line-height:1.35;margin-top:4px}
.audit{list-style:none;padding:0}.audit>li{border-left:4px solid var(--ice);padding:2px 12px;margin:8px 0}
.audit>li.warning{border-color:var(--amber)}.audit>li.error{border-color:var(--bad)}
summary{cursor:pointer}
details{margin:8px 0}
pre{background:var(--tint);border-radius:10px;padding:14px;overflow-x:auto;font-size:14px;line-height:1.45}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
.hash{color:var(--quiet);font-size:12px;word-break:break-all}
dt{font-weight:600;margin-top:10px}dd{margin:0}
@media(max-width:560px){body{padding:20px 12px 60px}section{padding:16px}}
@media print{body{max-width:none}section{break-inside:avoid}}
`;
