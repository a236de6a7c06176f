// All about one file.
import { html, nothing } from "lit-html";
import { about, pictureUrl, scoresOf } from "./data.js";
import { trainingPath } from "./downloads.js";
import { clock, folderOf, nameOf, score, words } from "./format.js";
import { icons } from "./icons.js";
import { audio, canPlay, isPlaying, play, player, toggle } from "./player.js";
import { topLabel } from "./records.js";
import { nearest } from "./similar.js";
import { strip } from "./table.js";

export function details(state, actions) {
  const record = state.selected;
  if (!record) return html`<p class="dim">No file is selected.</p>`;
  return html`
    <div class="details-head">
      <h2><bdi>${nameOf(record.path)}</bdi></h2>
      <button class="quiet close" aria-label="Close the details" @click=${() => actions.update({ open: false })}>${icons.close}</button>
    </div>
    <p class="dim folder"><bdi>${folderOf(record.path)}</bdi></p>
    ${remarks(record)} ${record.error && !record.duration ? nothing : [sound(record, actions), opinions(record), similar(record, state, actions)]}
    ${correct(record, state, actions)}
    <p class="keys dim"><kbd>↑</kbd><kbd>↓</kbd> file <kbd>←</kbd><kbd>→</kbd> 1 s <kbd>space</kbd> play <kbd>/</kbd> search <kbd>↵</kbd> confirm <kbd>c</kbd> correct</p>
  `;
}

const remarks = (record) => [
  record.error ? html`<p class="remark">${record.error.message}</p>` : nothing,
  record.warning ? html`<p class="remark">${record.warning.message}</p>` : nothing,
  !record.error && !record.confident && record.tags.length
    ? html`<p class="remark">Unsure: the best score is low, and the sound may be none of the labels.</p>`
    : nothing,
  player.failed.has(record.index)
    ? html`<p class="remark" role="alert">The browser cannot play it: the file is not there any more, or of a format that it does not know. A page made with <code>--embed-audio</code> has the audio in it.</p>`
    : nothing,
];

function sound(record, actions) {
  const url = pictureUrl(record.index);
  const duration = record.duration || 1;
  const playable = canPlay(record);
  const seekTo = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    if (event.detail) play(record, ((event.clientX - box.left) / box.width) * duration);
  };
  const own = player.index === record.index;
  const now = own ? audio.currentTime : 0;
  return html`<div class="sound" data-time=${record.index}>
    <div
      class="picture"
      role="slider"
      tabindex="0"
      aria-label="Position"
      aria-valuemin="0"
      aria-valuemax=${duration.toFixed(1)}
      aria-valuenow=${now.toFixed(1)}
      aria-valuetext=${`${clock(now)} of ${clock(duration)}`}
      @click=${seekTo}
    >
      ${url ? html`<img src=${url} alt="" draggable="false" />` : html`<span class="no-picture dim">no picture</span>`}
      <span class="now"></span>
    </div>
    ${timeline(record, seekTo)}
    <div class="controls">
      <button class="main round" ?disabled=${!playable} aria-label=${isPlaying(record) ? "Pause" : "Play"} @click=${() => toggle(record)}>${isPlaying(record) ? icons.pause : icons.play}</button>
      <span class="time">${clock(now)} <span class="dim">/ ${clock(record.duration)}</span></span>
      <span class="dim axis">0–8 kHz, log-mel</span>
    </div>
  </div>`;
}

function timeline(record, seekTo) {
  const { offset = 0, step = record.duration, labels = {} } = record.timeline ?? {};
  const lanes = Object.entries(labels);
  if (!lanes.length) return nothing;
  return html`<div class="lanes">
    ${lanes.map(
      ([label, levels]) => html`<div class="lane" @click=${seekTo} title=${words(label)}>
        <span class="heat" .style=${`background:${heat(scoresOf(levels), offset, step, record.duration)}`}></span>
        <span class="lane-name">${words(label)}</span>
        <span class="now"></span>
      </div>`,
    )}
  </div>`;
}

// Scores over time as stripes, the stronger the higher.
function heat(scores, offset, step, duration) {
  const stripes = scores.map((value, i) => {
    const begin = i ? (offset + i * step) / duration : 0;
    const end = i + 1 < scores.length ? (offset + (i + 1) * step) / duration : 1;
    const colour = `color-mix(in srgb, var(--accent) ${(50 * value).toFixed(0)}%, transparent)`;
    return `${colour} ${(100 * begin).toFixed(2)}% ${(100 * end).toFixed(2)}%`;
  });
  return `linear-gradient(to right, ${stripes.join(", ")})`;
}

function opinions(record) {
  const models = Object.keys(record.by_model ?? {}).length ? Object.keys(record.by_model) : Object.keys(about.models);
  const rows = record.opinions ?? known(record, models);
  if (!rows.length) return nothing;
  const columns = record.opinions || rows[0].length > 2 ? ["ensemble", ...models] : ["score"];
  return html`<h3>Labels</h3>
    <table class="opinions">
      <thead>
        <tr><th scope="col">label</th>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          ([label, ...scores]) => html`<tr>
            <th scope="row">${words(label)}</th>
            ${scores.map((value) => html`<td><span class="meter" aria-hidden="true"><span .style=${`width:${100 * (value ?? 0)}%`}></span></span>${value === undefined ? "–" : score(value)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>`;
}

// What the result itself holds, where nothing more was computed.
const known = (record, models) =>
  record.tags.map((tag) => [
    tag.label,
    tag.score,
    ...(Object.keys(record.by_model ?? {}).length
      ? models.map((name) => record.by_model[name].find((one) => one.label === tag.label)?.score)
      : []),
  ]);

function similar(record, state, actions) {
  const found = nearest(record, state.records);
  if (!found.length) return nothing;
  return html`<h3>Sounds like this</h3>
    <ul class="similar">
      ${found.map(
        (other) => html`<li>
          ${strip(other, actions)}
          <button class="quiet" @click=${() => actions.show(other)}><bdi class="name">${nameOf(other.path)}</bdi> <span class="dim">${words(topLabel(other))}</span></button>
        </li>`,
      )}
    </ul>`;
}

function correct(record, { corrections, labels }, actions) {
  if (record.error && record.duration === null) return nothing;
  if (trainingPath(record) === null)
    return html`<p class="dim note">It has no name that a list can hold, so its label cannot be corrected here.</p>`;
  const yours = corrections.get(record.path);
  const best = topLabel(record);
  const choices = [...new Set([...corrections.values(), ...about.labels, ...labels.map(([label]) => label)])];
  const save = (event) => {
    event.preventDefault();
    const field = event.target.elements.label;
    const typed = field.value.trim();
    actions.correct(record, choices.find((label) => words(label).toLowerCase() === typed.toLowerCase()) ?? typed);
  };
  return html`<h3>Is it right?</h3>
    <form class="correct" @submit=${save}>
      ${best ? html`<button type="button" aria-pressed=${yours === best} @click=${() => actions.correct(record, best)}>${icons.check} ${words(best)}</button>` : nothing}
      <label><span class="hidden">Correct label</span><input name="label" list="labels" placeholder="or its right label" autocomplete="off" .value=${yours && yours !== best ? yours : ""} /></label>
      <button>Save</button>
      ${yours !== undefined ? html`<button type="button" class="quiet" @click=${() => actions.forget(record)}>Undo</button>` : nothing}
      <datalist id="labels">${choices.map((label) => html`<option value=${label}></option>`)}</datalist>
    </form>`;
}
