// Draws a song's waveform, its level as a line over it and its beats below, as one drawing that follows width and colours.

import { el, setText } from "./dom.js";
import { duration, number } from "./format.js";

const height = 160;
const floorOfLevel = -40;
const fullScale = 127;
const leastTickDistance = 4;

/** `waveform` is `{ peaks: [[min, max] of -127…127], seconds_per_peak }`, `beats` are seconds. */
export function waveformView(waveform, beats, seconds) {
  const { peaks } = waveform;
  if (!peaks?.length) return null;
  const levels = smoothedLevels(peaks, waveform.seconds_per_peak);
  const cursor = el("line", { class: "cursor", y1: "0", y2: String(height), visibility: "hidden" });
  const ticks = el("path", { class: "beats" });
  const drawing = el("svg", {
    class: "waveform", role: "img", viewBox: `0 0 ${peaks.length} ${height}`, preserveAspectRatio: "none",
    "aria-label": `Waveform of ${duration(seconds * 1000)} with ${beats.length} beats; the level lies between `
      + `${number(Math.min(...levels), 0)} and ${number(Math.max(...levels), 0)} dB`,
  }, el("path", { class: "peaks", d: outline(peaks) }), el("path", { class: "level", d: levelLine(levels) }), ticks, cursor);
  const reading = el("span", { class: "reading" });
  const figure = el("figure", { class: "wave" }, drawing, el("figcaption", { class: "soft" }, el("span", {}, "0:00"), reading,
    el("span", {}, duration(seconds * 1000))));
  const legend = beats.length ? `${beats.length.toLocaleString("en-GB")} beats; line: level` : "line: level";
  setText(reading, legend);
  drawing.addEventListener("pointermove", (event) => {
    const share = Math.max(0, Math.min(0.9999, event.offsetX / drawing.clientWidth));
    const index = Math.floor(share * peaks.length);
    cursor.setAttribute("transform", `translate(${share * peaks.length} 0)`);
    cursor.setAttribute("visibility", "visible");
    setText(reading, `${duration(share * seconds * 1000)} · ${number(levels[index], 0)} dB`);
  });
  drawing.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    setText(reading, legend);
  });
  new ResizeObserver(() => ticks.setAttribute("d", beatTicks(beats, seconds, peaks.length, drawing.clientWidth))).observe(drawing);
  return figure;
}

/** The upper edge from left to right and the lower one back. */
function outline(peaks) {
  const middle = height * 0.46;
  const y = (value) => (middle - (value / fullScale) * middle).toFixed(1);
  const upper = peaks.map(([, high], x) => `${x} ${y(Math.max(high, 1))}`);
  const lower = peaks.map(([low], x) => `${x} ${y(Math.min(low, -1))}`).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

/** In dB below full scale: mean power of the peaks over about three seconds. */
function smoothedLevels(peaks, secondsPerPeak) {
  const reach = Math.max(1, Math.round(1.5 / (secondsPerPeak || 0.3)));
  const powers = peaks.map(([low, high]) => (Math.max(-low, high) / fullScale) ** 2);
  let sum = powers.slice(0, reach).reduce((total, power) => total + power, 0);
  return powers.map((_, index) => {
    sum += powers[index + reach] ?? 0;
    sum -= powers[index - reach - 1] ?? 0;
    const width = Math.min(powers.length - 1, index + reach) - Math.max(0, index - reach) + 1;
    return Math.max(floorOfLevel, 10 * Math.log10(Math.max(sum / width, 1e-9)));
  });
}

function levelLine(levels) {
  return `M${levels.map((level, x) => `${x} ${((level / floorOfLevel) * height * 0.92).toFixed(1)}`).join("L")}`;
}

/** So many beats share a tick that ticks stay apart: a power of two, as beats make bars. */
function beatTicks(beats, seconds, span, width) {
  let stride = 1;
  while ((beats.length / stride) * leastTickDistance > width) stride *= 2;
  return beats.filter((_, index) => index % stride === 0)
    .map((beat) => `M${((beat / seconds) * span).toFixed(1)} ${height - 8}v8`).join("");
}
