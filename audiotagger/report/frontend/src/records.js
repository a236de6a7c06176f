// Which files are shown, and in which order.
export const topLabel = (record) => record.tags[0]?.label ?? "";
const topScore = (record) => record.tags[0]?.score ?? -1;

export const STATES = {
  unsure: (record) => !record.error && !record.confident,
  failed: (record) => record.error !== null,
  warning: (record) => record.warning !== null,
  corrected: (record, corrections) => corrections.has(record.path),
};

const KEYS = {
  path: (record) => record.path,
  label: topLabel,
  score: topScore,
  duration: (record) => record.duration ?? -1,
};

const { compare } = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const order = (a, b) => (typeof a === "string" ? compare(a, b) : a - b);

const textOf = (record) => {
  record.text ??= [record.path, ...record.tags.map((tag) => tag.label.replaceAll("_", " "))].join("\n").toLowerCase();
  return record.text;
};

export function choose(records, { query, status, label, minScore, sort, corrections }) {
  const terms = query.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
  const found = records.filter(
    (record) =>
      (!status || STATES[status](record, corrections)) &&
      (!label || topLabel(record) === label) &&
      (!minScore || topScore(record) >= minScore) &&
      terms.every((term) => textOf(record).replaceAll("_", " ").includes(term)),
  );
  if (sort.key) {
    const key = KEYS[sort.key];
    const sign = sort.descending ? -1 : 1;
    found.sort((a, b) => sign * order(key(a), key(b)) || a.index - b.index);
  }
  return found;
}

export function labelCounts(records) {
  const counts = new Map();
  for (const label of records.filter((record) => !record.error).map(topLabel))
    if (label) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || compare(a[0], b[0]));
}
