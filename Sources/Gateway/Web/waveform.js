// Draws a song's peaks, with its beats as ticks below, on a canvas that follows its width and the colour scheme.

import { el } from "/dom.js";
import { duration } from "/format.js";

const height = 160;
const tickHeight = 10;
const leastTickDistance = 4;

/** `waveform` is `{ peaks: [[min, max] of -127…127], seconds_per_peak }`, `beats` are seconds. */
export function waveformView(waveform, beats, seconds) {
  const canvas = el("canvas", {
    class: "waveform", role: "img",
    "aria-label": `Waveform of ${duration(seconds * 1000)} with ${beats.length} beats`,
  });
  const draw = () => canvas.isConnected && paint(canvas, waveform, beats, seconds);
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return el("figure", { class: "wave" }, canvas,
    el("figcaption", { class: "spread soft" }, el("span", {}, "0:00"),
      el("span", {}, `${beats.length} beats`), el("span", {}, duration(seconds * 1000))));
}

function paint(canvas, { peaks }, beats, seconds) {
  const width = canvas.clientWidth;
  const scale = devicePixelRatio || 1;
  if (width === 0 || peaks.length === 0) return;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const middle = (height - tickHeight) / 2;
  context.scale(scale, scale);
  context.fillStyle = style.getPropertyValue("--wave");
  for (let x = 0; x < width; x += 1) {
    const [low, high] = extremes(peaks, x / width, (x + 1) / width);
    const top = middle - (high / 127) * middle;
    context.fillRect(x, top, 1, Math.max(1, middle - (low / 127) * middle - top));
  }
  context.fillStyle = style.getPropertyValue("--beat");
  for (let index = 0; index < beats.length; index += stride(beats.length, width)) {
    context.fillRect((beats[index] / seconds) * width, height - tickHeight + 3, 1, tickHeight - 3);
  }
}

/** How many beats share a tick, so that ticks stay apart: a power of two, as beats make bars. */
function stride(beats, width) {
  let stride = 1;
  while ((beats / stride) * leastTickDistance > width) stride *= 2;
  return stride;
}

/** The least and greatest of the peaks between two fractions of the song. */
function extremes(peaks, from, to) {
  const first = Math.floor(from * peaks.length);
  const last = Math.max(first + 1, Math.ceil(to * peaks.length));
  let low = 127;
  let high = -127;
  for (let index = first; index < Math.min(last, peaks.length); index += 1) {
    low = Math.min(low, peaks[index][0]);
    high = Math.max(high, peaks[index][1]);
  }
  return [low, high];
}
