// The table: only the rows in sight exist.
import { html, nothing } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { pictureUrl } from "./data.js";
import { clock, folderOf, nameOf, score, visible, words } from "./format.js";
import { icons } from "./icons.js";
import { canPlay, isPlaying, play, toggle } from "./player.js";
import { topLabel } from "./records.js";

export const ROW = 56; // pixels, as in style.css
const HEAD = 36;
const MORE = 6; // rows beyond those in sight

const COLUMNS = [
  ["path", "File"],
  ["label", "Label"],
  ["score", "Score"],
  [null, "Sound"],
  ["duration", "Length"],
];

export function table(state, actions) {
  const { shown, scroll, selected } = state;
  const first = Math.max(0, Math.floor(scroll.top / ROW) - MORE);
  const rows = shown.slice(first, Math.ceil((scroll.top + scroll.height) / ROW) + MORE);
  const scrolled = ({ target }) => actions.update({ scroll: { top: target.scrollTop, height: target.clientHeight } });
  return html`<div
    class="files"
    role="grid"
    tabindex="0"
    aria-label="Files"
    aria-rowcount=${shown.length + 1}
    aria-activedescendant=${rows.includes(selected) ? `row-${selected.index}` : nothing}
    @scroll=${scrolled}
  >
    <div role="rowgroup" class="heads"><div role="row" aria-rowindex="1" class="cells">
      <span role="columnheader" class="cell-play"><span class="hidden">Play</span></span>
      ${COLUMNS.map((column) => head(column, state, actions))}
    </div></div>
    <div role="rowgroup" class="rows" .style=${`height:${shown.length * ROW}px`}>
      ${repeat(rows, (record) => record.index, (record, i) => row(record, first + i, state, actions))}
      ${shown.length ? nothing : html`<div role="row" class="none"><span role="gridcell">No file fits. <button class="quiet" @click=${() => actions.filter({ query: "", status: "", label: "", minScore: 0 })}>Show all</button></span></div>`}
    </div>
  </div>`;
}

function head([key, title], { sort }, { filter }) {
  if (!key) return html`<span role="columnheader" class="cell-sound">${title}</span>`;
  const current = sort.key === key;
  const direction = current ? (sort.descending ? "descending" : "ascending") : "none";
  const begin = key === "score" || key === "duration"; // the highest first
  const next = !current ? { key, descending: begin } : sort.descending === begin ? { key, descending: !begin } : { key: "", descending: false };
  return html`<span role="columnheader" class=${`cell-${key}`} aria-sort=${direction}>
    <button class="sort" @click=${() => filter({ sort: next })}>${title}<span class="arrow" aria-hidden="true">${{ ascending: "↑", descending: "↓", none: "" }[direction]}</span></button>
  </span>`;
}

function row(record, position, { selected, corrections }, actions) {
  const name = nameOf(record.path);
  const yours = corrections.get(record.path);
  const state = record.error ? "failed" : record.confident ? "" : "unsure";
  const press = (event) => (event.stopPropagation(), actions.select(record), toggle(record));
  return html`<div
    role="row"
    id=${`row-${record.index}`}
    class=${`row cells ${state}`}
    aria-rowindex=${position + 2}
    aria-selected=${record === selected}
    .style=${`transform:translateY(${position * ROW}px)`}
    @click=${() => actions.select(record, { open: true })}
  >
    <span role="gridcell" class="cell-play">${canPlay(record) && !record.error
      ? html`<button class="play" tabindex="-1" aria-label=${`${isPlaying(record) ? "Pause" : "Play"} ${name}`} @click=${press}>${isPlaying(record) ? icons.pause : icons.play}</button>`
      : nothing}</span>
    <span role="gridcell" class="cell-path" title=${visible(record.path)}><bdi class="name">${name}</bdi><bdi class="folder dim">${folderOf(record.path)}</bdi></span>
    <span role="gridcell" class="cell-label" data-score=${record.tags.length ? score(record.tags[0].score) : ""}><bdi class="name">${yours !== undefined
      ? html`<span class="yours">${icons.check} ${words(yours)}</span>`
      : record.error ? html`<span class="mark">failed</span>` : words(topLabel(record)) || html`<span class="dim">silence</span>`}</bdi>
      ${state === "unsure" && record.tags.length ? html`<span class="mark">unsure</span>` : nothing}
      ${record.warning ? html`<span class="mark">warning</span>` : nothing}</span>
    <span role="gridcell" class="cell-score">${record.tags.length
      ? html`<span class="meter" aria-hidden="true"><span .style=${`width:${100 * record.tags[0].score}%`}></span></span>${score(record.tags[0].score)}`
      : nothing}</span>
    <span role="gridcell" class="cell-sound">${record.error ? nothing : strip(record, actions)}</span>
    <span role="gridcell" class="cell-duration">${record.error ? nothing : clock(record.duration)}</span>
  </div>`;
}

// A small picture with the time line below it; a click plays from there.
export function strip(record, actions) {
  const url = pictureUrl(record.index);
  const seekTo = (event) => {
    event.stopPropagation();
    actions.select(record);
    const box = event.currentTarget.getBoundingClientRect();
    play(record, ((event.clientX - box.left) / box.width) * (record.duration ?? 0));
  };
  return html`<span class="strip" data-time=${record.index} @click=${seekTo}>
    ${url ? html`<img src=${url} alt="" decoding="sync" draggable="false" />` : html`<span class="no-picture"></span>`}
    ${record.segments && html`<span class="segments">${record.segments.map(
      (one) => html`<span
        class=${one.label === topLabel(record) ? "own" : "other"}
        title=${`${words(one.label)} ${clock(one.start)}–${clock(one.end)}`}
        .style=${`left:${(100 * one.start) / record.duration}%;width:${(100 * (one.end - one.start)) / record.duration}%`}
      ></span>`,
    )}</span>`}
    <span class="now"></span>
  </span>`;
}

export function reveal(position) {
  const grid = document.querySelector(".files");
  const [top, room] = [position * ROW, grid.clientHeight - HEAD];
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + ROW > grid.scrollTop + room) grid.scrollTop = top + ROW - room;
}
