// Files to keep: what is shown, as CSV and JSON, and corrections to train on.
export function download(name, kind, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const cell = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
const csv = (rows) => rows.map((row) => `${row.map((value) => cell(String(value))).join(",")}\n`).join("");

// What spreadsheets may execute; as in audiotagger's own CSV.
const notFormula = (text, prefix) => (/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? prefix + text : text);

export function resultsCsv(records) {
  const rows = [["path", "label", "score", "confident"]];
  for (const record of records.filter((one) => !one.error))
    for (const tag of record.tags.length ? record.tags : [{ label: "", score: "" }])
      rows.push([notFormula(record.path, "./"), notFormula(tag.label, "'"), tag.score, record.confident]);
  return csv(rows);
}

const KEPT = ["path", "duration", "tags", "confident", "error", "warning", "segments", "by_model"];

export function resultsJson(records) {
  const objects = records.map((record) => Object.fromEntries(KEPT.map((key) => [key, record[key]])));
  return `${JSON.stringify(objects, null, 2)}\n`;
}

// The path of a file for `audiotagger train`: absolute where the page is a file itself, else from the page's folder.
export function trainingPath(record) {
  if (!record.src || record.duration === null || record.path.isWellFormed?.() === false) return null;
  try {
    const local = location.protocol === "file:";
    const path = decodeURIComponent(local ? new URL(record.src, location).pathname : record.src);
    return local ? path.replace(/^\/([A-Za-z]:)/, "$1") : path;
  } catch {
    return null; // bytes that are no text
  }
}

export function correctionsCsv(records, corrections) {
  const corrected = records.filter((record) => corrections.has(record.path));
  const rows = corrected.map((record) => [trainingPath(record), corrections.get(record.path)]);
  return csv([["path", "label"], ...rows]);
}
