// Small charts: columns and a rising area, each with its figures in a table for those who cannot see it.

import { el } from "./dom.js";

const height = 100;

/**
 * Columns side by side. `bars` are `{ value, name, title }`, where `name` is for the table and `title` for the pointer; `ends` are texts
 * below the axis, from left to right; `counts` is what a column counts; `mark` is `{ at, text }`: a line at that many columns from the left.
 */
export function columns({ label, bars, ends, unit, counts = "songs", mark = null }) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  const drawing = el("svg", { class: "chart", role: "img", "aria-label": label, viewBox: `0 0 ${bars.length} ${height}`, preserveAspectRatio: "none" },
    ...bars.map((bar, index) => {
      // A column of one among thousands can still be seen.
      const tall = bar.value === 0 ? 0 : Math.max(1.5, (bar.value / most) * height);
      return el("rect", { x: (index + 0.08).toFixed(2), y: (height - tall).toFixed(2), width: 0.84, height: tall.toFixed(2) },
        el("title", {}, bar.title ?? `${bar.name}: ${bar.value}`));
    }),
    mark && mark.at > 0 && mark.at < bars.length ? el("line", { class: "mark", x1: mark.at, x2: mark.at, y1: 0, y2: height }) : null);
  return frame(drawing, { top: `${most.toLocaleString("en-GB")} ${counts}`, ends, heads: [unit, counts], note: mark?.text },
    bars.map((bar) => [bar.name, bar.value.toLocaleString("en-GB")]));
}

/** A rising area. `points` are `{ x, y, name, text }`, from left to right; `top` is the height of the whole. */
export function area({ label, points, ends, top, heads }) {
  const left = points[0].x;
  const width = Math.max(1e-9, points.at(-1).x - left);
  const place = ({ x, y }) => `${(((x - left) / width) * 100).toFixed(2)} ${(height - (y / Math.max(1, top)) * (height - 1)).toFixed(2)}`;
  const line = points.length === 1 ? `M0 ${place(points[0]).split(" ")[1]}H100` : `M${points.map(place).join("L")}`;
  const drawing = el("svg", { class: "chart", role: "img", "aria-label": label, viewBox: `0 0 100 ${height}`, preserveAspectRatio: "none" },
    el("path", { class: "area", d: `${line}V${height}H0Z` }), el("path", { class: "stroke", d: line }));
  const every = Math.ceil(points.length / 12);
  const rows = points.filter((_, index) => index % every === 0 || index === points.length - 1);
  return frame(drawing, { top: `${top.toLocaleString("en-GB")} songs`, ends, heads }, rows.map((point) => [point.name, point.text]));
}

/** `top` is what the whole height stands for. */
function frame(drawing, { top, ends, heads, note = "" }, rows) {
  return el("figure", { class: "chart-frame" }, el("span", { class: "chart-top", "aria-hidden": "true" }, top), drawing,
    el("div", { class: "chart-labels", "aria-hidden": "true" }, ...ends.map((end) => el("span", {}, end))),
    note ? el("p", { class: "soft chart-note" }, note) : null,
    el("details", {}, el("summary", {}, "As a table"), el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))));
}
