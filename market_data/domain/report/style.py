"""How the page looks: light, dark and printed. No text of the report."""

_DARK = """
--paper:#10151d;--card:#171e29;--ink:#e6e9ee;--faint:#98a3b3;--line:#2a3442;--link:#7cc0ff;
--up:#4fd1a5;--down:#ff8a75;--amber:#f6b74a2b;--amberline:#f6b74a;--red:#ff6b5e22;--redline:#ff6b5e;--ok:#4fd1a5"""

STYLE = f"""
:root{{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b2430;--faint:#5d6878;--line:#dde2e8;
--link:#0b5cad;
--up:#0f7a5a;--down:#c0341d;--amber:#f59e0b26;--amberline:#b86e00;--red:#d92d2014;--redline:#c0341d;--ok:#0f7a5a}}
@media screen and (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}}
main{{max-width:1168px;margin:0 auto;padding:24px}}
a{{color:var(--link);text-decoration:none}}a:hover{{text-decoration:underline}}
h1,h2,h3,h4,p{{margin:0}}h1{{font-size:28px}}h2{{font-size:23px;overflow-wrap:anywhere}}
h3{{font-size:17px;margin:32px 0 10px}}
h3 small{{font-weight:400;color:var(--faint)}}
p+p{{margin-top:4px}}small,.faint,.facts,figcaption,.top p{{color:var(--faint)}}
.remark{{margin-top:8px;border-left:3px solid var(--amberline);padding:4px 10px;background:var(--amber)}}
.good::before{{content:"\\2713  ";color:var(--ok);font-weight:700}}
nav ul{{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:8px 0 0}}
.feed{{border-top:2px solid var(--line);margin-top:28px;padding-top:24px}}
.tiles{{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin-top:16px}}
.tile{{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px}}
.tile h4{{font-size:13px;font-weight:600;color:var(--faint)}}.tile p{{font-size:13px;color:var(--faint)}}
.tile .big{{font-size:30px;line-height:1.3;font-weight:650;color:var(--ink);font-variant-numeric:tabular-nums}}
.bar{{position:relative;height:8px;margin:4px 0 8px;background:var(--line);border-radius:4px}}
.bar i{{display:block;height:8px;border-radius:4px}}
.bar b{{position:absolute;top:-3px;width:2px;height:14px;background:var(--ink)}}
table{{border-collapse:collapse;width:100%;font-size:13.5px}}
th{{text-align:left;font-weight:600}}thead th{{color:var(--faint);border-bottom:1px solid var(--line)}}
td,th{{padding:5px 14px 5px 0;vertical-align:top}}td{{border-bottom:1px solid var(--line);overflow-wrap:anywhere}}
.n{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.totals,.moved,.replaced{{width:auto;min-width:50%}}
.moved,.replaced,.days{{margin-top:12px}}
.worst tbody::before{{content:"";display:block;height:10px}}
.worst .head th{{background:var(--card);padding:7px 10px;font-size:14.5px}}
.worst .head small{{font-weight:400;margin-left:10px}}
.worst tbody td:first-child{{padding-left:10px;white-space:nowrap}}.worst thead th:first-child{{padding-left:10px}}
.worst td:last-child{{width:58%}}.aside td:last-child{{width:44%}}
.worst td:nth-child(2),.worst td:nth-child(3),.aside td:nth-child(1),.days td:nth-child(1){{white-space:nowrap}}
.days td:last-child{{width:80%}}
.chip{{display:inline-block;min-width:44px;text-align:center;border-radius:4px;padding:0 6px;margin-right:10px;
font-size:13px}}
code{{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}}
.sev{{white-space:nowrap;font-weight:600}}.sev.critical,.sev.error{{color:var(--down)}}
.sev.warning{{color:var(--amberline)}}
.sev::before{{font-weight:400;margin-right:5px}}.sev.critical::before{{content:"\\25C6"}}
.sev.error::before{{content:"\\25CF"}}
.sev.warning::before{{content:"\\25B2"}}.sev.info::before{{content:"\\25CB"}}
.up{{color:var(--up)}}.down{{color:var(--down)}}
.heat{{display:flex;flex-wrap:wrap;gap:14px 32px}}
.cal{{width:auto;border-collapse:separate;border-spacing:2px;font-size:11.5px;font-variant-numeric:tabular-nums}}
.cal th{{padding:0 8px 0 0;font-weight:500;white-space:nowrap;vertical-align:middle;border:0}}
.cal thead th{{padding:0;text-align:center;color:var(--faint)}}
.cal thead .mo{{text-align:left;font-weight:600;color:var(--ink);padding-right:14px}}
.cal .we{{font-style:italic;opacity:.65}}
.cal tbody th{{min-width:112px;max-width:150px;overflow:hidden;text-overflow:ellipsis}}
.cal td{{padding:0;border:0;width:29px;min-width:29px;height:23px;border-radius:3px;text-align:center;
vertical-align:middle}}
.cal td a{{display:block;line-height:23px;color:inherit}}
.cal td a:hover{{outline:2px solid var(--ink);text-decoration:none;border-radius:3px}}
.h5{{background:#1d7486;color:#fff}}.h4{{background:#6db3c0;color:#0b1a1f}}.h3{{background:#bfdfe4;color:#0b1a1f}}
.h2{{background:#ffe2a6;color:#2a1c00}}.h1{{background:#f4a04c;color:#2a1500}}.h0{{background:#b93a12;color:#fff}}
.bad{{box-shadow:inset 0 -4px 0 #5b1400;font-weight:700}}
.x{{color:var(--redline);background:repeating-linear-gradient(45deg,var(--red) 0 3px,transparent 3px 6px);
box-shadow:inset 0 0 0 1px var(--redline);font-weight:700}}
.o{{color:var(--faint)}}
.q{{color:var(--faint);box-shadow:inset 0 0 0 1px var(--line);background:var(--card)}}
.legend{{list-style:none;display:flex;flex-wrap:wrap;gap:4px 16px;padding:0;margin:12px 0 0;font-size:12.5px;
color:var(--faint)}}
.legend li{{display:flex;align-items:center;gap:6px}}
.legend i{{display:inline-block;width:20px;height:16px;border-radius:3px;font-style:normal;text-align:center;
line-height:16px}}
.symbol{{border-top:1px solid var(--line);margin-top:28px}}.symbol h3{{margin-top:20px}}
figure{{margin:10px 0 0}}figcaption{{margin-top:4px;font-size:12.5px}}figure+p,figure+table{{margin-top:8px}}
.candles{{display:block;width:100%;height:auto;background:var(--card);border-radius:8px}}
.candles text{{font:12px system-ui,sans-serif;fill:var(--faint)}}.candles .m{{text-anchor:middle}}
.candles .d{{font-weight:600;fill:var(--ink)}}.candles .g{{stroke:var(--line)}}
.candles .u{{stroke:var(--up);fill:var(--card)}}.candles .f{{stroke:var(--down);fill:var(--down)}}
.candles .v{{opacity:.5}}
.candles .failed rect{{fill:var(--amber)}}.candles .failed text{{fill:var(--amberline)}}
.candles .missing rect{{fill:var(--red)}}.candles .missing path{{stroke:var(--redline);opacity:.35}}
.candles .missing text{{fill:var(--redline)}}
.candles .at,.candles .range{{fill:var(--amberline);stroke:var(--card);stroke-width:.7}}
.key{{display:inline-block;width:18px;height:11px;margin-right:5px;border-radius:2px;vertical-align:-1px}}
.key.failed{{background:var(--amber);box-shadow:inset 0 0 0 1px var(--amberline)}}
.key.missing{{background:repeating-linear-gradient(45deg,var(--redline) 0 1px,var(--red) 1px 4px)}}
@media screen and (max-width:900px){{.tiles{{grid-template-columns:repeat(2,1fr)}}
.heat,.worst,.aside{{display:block;overflow-x:auto}}}}
@media print{{
@page{{size:A4 landscape;margin:12mm}}
*{{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
body{{font-size:11px}}main{{max-width:none;padding:0}}table{{font-size:10.5px}}nav{{display:none}}a{{color:inherit}}
.feed+.feed{{break-before:page}}.feed{{border:0;margin:0}}section:not(.symbol)+.symbol{{break-before:page}}
.symbol{{break-inside:avoid;border:0;margin:0}}.cal td{{width:25px;min-width:25px}}.cal{{font-size:10px}}
tr,figure,.tile,.cal,.legend,.worst tbody{{break-inside:avoid}}h2,h3,.head{{break-after:avoid}}
thead{{display:table-header-group}}
}}
"""
