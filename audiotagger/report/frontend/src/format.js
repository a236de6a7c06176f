// How values look.
export function clock(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const tenths = Math.round(seconds * 10);
  const [hours, minutes, rest] = [Math.floor(tenths / 36000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const tail = rest.toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

export function span(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const score = (value) => value.toFixed(2);
export const count = (value) => value.toLocaleString("en");
export const plural = (value, what) => `${count(value)} ${what}${value === 1 ? "" : "s"}`;
export const words = (label) => visible(label.replaceAll("_", " "));

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

// Names as they are, without what would hide them or turn them round.
export const visible = (text) =>
  text.replace(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);

const place = (path) => Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
export const nameOf = (path) => visible(path === "-" ? "standard input" : path.slice(place(path)));
export const folderOf = (path) => visible(path.slice(0, place(path)));
