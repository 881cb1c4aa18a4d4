// The circle of fifths: with a song's key on it and the keys that go well with it, or with how many songs are in each.

import { el } from "./dom.js";

const majors = ["C", "G", "D", "A", "E", "B", "F♯", "D♭", "A♭", "E♭", "B♭", "F"];
const minors = ["Am", "Em", "Bm", "F♯m", "C♯m", "G♯m", "E♭m", "B♭m", "Fm", "Cm", "Gm", "Dm"];
const semitones = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const centre = 100;

/** `key` is `{ tonic, mode }`, such as F♯ minor. Null where it is neither major nor minor of a known note. */
export function keyWheel(key) {
  const place = placeOf(key);
  if (place === null) return null;
  const isMinor = key.mode === "minor";
  const name = (index, minor) => (minor ? minors : majors)[(index + 12) % 12];
  const related = [[place, !isMinor], [place + 1, isMinor], [place + 11, isMinor]].map(([index, minor]) => name(index, minor));
  const wheel = circle(`${name(place, isMinor)} on the circle of fifths`, (index, minor, text) => {
    const state = index === place && minor === isMinor ? "here" : related.includes(text) ? "near" : "";
    return { sector: { class: `sector ${state}` }, text: { class: `sector-name ${state}` } };
  });
  return el("figure", { class: "wheel" }, wheel, el("figcaption", { class: "soft" }, `Mixes well with ${related.join(", ")}`));
}

/** `keys` are `{ name, songs }`, the most frequent first: the more songs are in a key, the stronger its sector. */
export function keyMap(keys) {
  const counts = new Map();
  for (const { name, songs } of keys) {
    const [tonic, mode] = name.split(" ");
    const place = placeOf({ tonic, mode });
    if (place === null) continue;
    const key = `${place} ${mode === "minor"}`;
    counts.set(key, (counts.get(key) ?? 0) + songs);
  }
  const most = Math.max(1, ...counts.values());
  const wheel = circle(`Songs by key on the circle of fifths; most are in ${keys[0].name}`, (index, minor, text) => {
    const songs = counts.get(`${index} ${minor}`) ?? 0;
    return {
      sector: { class: songs ? "sector some" : "sector", "fill-opacity": songs ? (0.12 + 0.5 * (songs / most)).toFixed(2) : 1 },
      text: { class: songs ? "sector-name some" : "sector-name" }, title: `${text}: ${songs}`,
    };
  });
  return el("figure", { class: "wheel" }, wheel);
}

/** `look(index, isMinor, name)` tells attributes for each sector and its name. */
function circle(label, look) {
  const wheel = el("svg", { class: "key-wheel", viewBox: "0 0 200 200", role: "img", "aria-label": label });
  for (let index = 0; index < 12; index += 1) {
    for (const [minor, outer, inner] of [[false, 98, 66], [true, 66, 38]]) {
      const name = (minor ? minors : majors)[index];
      const { sector: sectorLook, text, title } = look(index, minor, name);
      const [x, y] = point(index, (outer + inner) / 2);
      wheel.append(el("path", { ...sectorLook, d: sector(index, outer, inner) }, title ? el("title", {}, title) : null),
        el("text", { ...text, x: x.toFixed(1), y: y.toFixed(1) }, name));
    }
  }
  return wheel;
}

/** Fifths above C, of the key itself or of its relative major. */
function placeOf(key) {
  const match = /^([A-G])([#♯b♭]?)$/.exec(key?.tonic ?? "");
  if (!match || !["major", "minor"].includes(key.mode)) return null;
  const shift = { "#": 1, "♯": 1, b: -1, "♭": -1 }[match[2]] ?? 0;
  const note = semitones[match[1]] + shift + (key.mode === "minor" ? 3 : 0);
  return ((note * 7) % 12 + 12) % 12;
}

function point(index, radius) {
  const angle = (index * Math.PI) / 6 - Math.PI / 2;
  return [centre + radius * Math.cos(angle), centre + radius * Math.sin(angle)];
}

function sector(index, outer, inner) {
  const at = (place, radius) => point(place, radius).map((value) => value.toFixed(1)).join(" ");
  return `M${at(index - 0.5, outer)}A${outer} ${outer} 0 0 1 ${at(index + 0.5, outer)}L${at(index + 0.5, inner)}`
    + `A${inner} ${inner} 0 0 0 ${at(index - 0.5, inner)}Z`;
}
