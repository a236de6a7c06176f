// The view of a batch of tagged files: numbers and filters, a table, the details of one file.
import { html, nothing, render } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { about, readRecords } from "./data.js";
import { details } from "./details.js";
import { correctionsCsv, download, resultsCsv, resultsJson, trainingPath } from "./downloads.js";
import { count, plural, score, span, words } from "./format.js";
import { icons } from "./icons.js";
import { handleKeys } from "./keys.js";
import { audio, isPlaying, onChange, play, player } from "./player.js";
import { choose, labelCounts, STATES } from "./records.js";
import { header } from "./shell.js";
import { load, store } from "./store.js";
import { reveal, table } from "./table.js";

export function showTagging(root) {
  const records = readRecords();
  const saved = `corrections ${about.created}`;
  const state = {
    records,
    labels: labelCounts(records),
    query: "",
    status: "",
    label: "",
    minScore: 0,
    sort: { key: "", descending: false },
    corrections: new Map(load(saved, [])),
    selected: records[0] ?? null,
    open: false, // the details, where they cover the table
    autoplay: false,
    scroll: { top: 0, height: 800 },
    changes: 0, // of corrections and theme
  };
  state.shown = choose(records, state);

  const update = (changes = {}) => {
    Object.assign(state, changes);
    render(view(state, actions), root);
  };
  const actions = {
    update,
    filter(changes) {
      Object.assign(state, changes);
      state.shown = choose(records, state);
      if (!state.shown.includes(state.selected)) state.selected = state.shown[0] ?? null;
      document.querySelector(".files")?.scrollTo(0, 0);
      update();
    },
    select(record, { open = state.open } = {}) {
      const other = record !== state.selected;
      update({ selected: record, open });
      if (other && state.autoplay) play(record, 0);
    },
    show(record) {
      const position = state.shown.indexOf(record);
      if (position >= 0) reveal(position);
      actions.select(record);
    },
    move(step) {
      const to = Math.min(Math.max(state.shown.indexOf(state.selected) + step, 0), state.shown.length - 1);
      if (to < 0) return;
      reveal(to);
      actions.select(state.shown[to]);
    },
    correct(record, label) {
      if (!label || trainingPath(record) === null) return;
      state.corrections.set(record.path, label);
      store(saved, [...state.corrections]);
      update({ changes: state.changes + 1 });
      actions.move(1);
    },
    forget(record) {
      state.corrections.delete(record.path);
      store(saved, [...state.corrections]);
      update({ changes: state.changes + 1 });
    },
  };

  onChange(() => update());
  addEventListener("resize", () => update());
  handleKeys(state, actions);
  update();
  document.body.append(audio);
  const grid = document.querySelector(".files");
  update({ scroll: { top: 0, height: grid.clientHeight } });
}

const view = (state, actions) => {
  const { selected, status, label, query, minScore, autoplay, open, changes } = state;
  // While the table scrolls, nothing else is drawn again.
  const still = (values, template) => guard([changes, ...values], template);
  return html`
    ${header("Audio tagging report", () => actions.update({ changes: changes + 1 }))}
    <main class=${open ? "tagging open" : "tagging"}>
      <section class="overview" aria-label="Overview">
        ${still([status, label], () => [numbers(state, actions), facets(state, actions)])}
      </section>
      <section class="results" aria-label="Files">
        ${still([query, status, label, minScore, autoplay], () => toolbar(state, actions))} ${table(state, actions)}
        ${still([], () => corrected(state))}
      </section>
      <aside class="details" aria-label="Details">
        ${still([selected, player.index, isPlaying(selected), audio.currentTime, player.failed.size], () => details(state, actions))}
      </aside>
    </main>
  `;
};

function numbers({ records, status, corrections }, { filter }) {
  const seconds = records.reduce((sum, record) => sum + (record.duration ?? 0), 0);
  const number = (name, title, value, more = nothing) => html`<button
    class="number"
    data-status=${name}
    aria-pressed=${status === name}
    ?disabled=${!value && status !== name}
    @click=${() => filter({ status: status === name ? "" : name })}
  >
    <strong>${count(value)}</strong> <span>${title}</span>${more}
  </button>`;
  return html`<div class="numbers" role="group" aria-label="Which files">
    ${number("", "files", records.length, html`<span class="total"><strong>${span(seconds)}</strong> <span>of audio</span></span>`)}
    ${Object.entries(STATES).map(([name, holds]) => number(name, name, records.filter((one) => holds(one, corrections)).length))}
  </div>`;
}

function facets({ labels, label, records }, { filter }) {
  const most = labels[0]?.[1] ?? 1;
  return html`<h2 class="wide">Labels found <span class="dim">${labels.length}</span></h2>
    <ul class="facets wide">
      ${labels.map(
        ([name, number]) => html`<li>
          <button aria-pressed=${name === label} @click=${() => filter({ label: name === label ? "" : name })}>
            <span class="facet-bar" .style=${`width:${(100 * number) / most}%`}></span>
            <span class="facet-name">${words(name)}</span><span class="dim">${count(number)}</span>
          </button>
        </li>`,
      )}
    </ul>`;
}

function toolbar(state, { filter, update }) {
  const { shown, labels, label, query, minScore, autoplay } = state;
  const keep = (kind) => {
    if (kind === "csv") download("results.csv", "text/csv", resultsCsv(shown));
    else download("results.json", "application/json", resultsJson(shown));
  };
  return html`<form class="toolbar" role="search" @submit=${(event) => event.preventDefault()}>
    <label class="search">
      ${icons.search}<span class="hidden">Search</span>
      <input
        type="search"
        placeholder="Search names and labels"
        .value=${query}
        autocomplete="off"
        spellcheck="false"
        @input=${(event) => filter({ query: event.target.value })}
      /><kbd aria-hidden="true">/</kbd>
    </label>
    <label class="narrow">
      <span class="hidden">Label</span>
      <select .value=${label} @change=${(event) => filter({ label: event.target.value })}>
        <option value="">All labels</option>
        ${labels.map(([name, number]) => html`<option value=${name} ?selected=${name === label}>${words(name)} (${number})</option>`)}
      </select>
    </label>
    <label class="score">
      <span>Score ≥ <strong>${score(minScore)}</strong></span>
      <input type="range" min="0" max="1" step="0.05" .value=${String(minScore)} aria-label="Lowest score"
        @input=${(event) => filter({ minScore: Number(event.target.value) })} />
    </label>
    <label class="check autoplay"><input type="checkbox" .checked=${autoplay} @change=${(event) => update({ autoplay: event.target.checked })} /> Auto-play</label>
    <span class="line"><span class="found" role="status">${shown.length === state.records.length ? plural(shown.length, "file") : `${count(shown.length)} of ${plural(state.records.length, "file")}`}</span>
    <span class="keep">
      <button type="button" class="quiet" @click=${() => keep("csv")} aria-label="Download these results as CSV">${icons.save} CSV</button>
      <button type="button" class="quiet" @click=${() => keep("json")} aria-label="Download these results as JSON">${icons.save} JSON</button>
    </span></span>
  </form>`;
}

function corrected({ records, corrections }) {
  if (!corrections.size) return nothing;
  const labels = new Set(corrections.values()).size;
  return html`<section class="corrections" aria-label="Corrections">
    <p><strong>${plural(corrections.size, "file")}</strong> with your labels (${plural(labels, "label")}).
      <span class="dim">Train on them: <code>audiotagger train --model mel corrections.csv</code></span></p>
    <button class="main" @click=${() => download("corrections.csv", "text/csv", correctionsCsv(records, corrections))}>
      ${icons.save} Download corrections
    </button>
  </section>`;
}

