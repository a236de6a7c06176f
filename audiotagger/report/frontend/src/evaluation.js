// The view of an evaluation or a training run: scores, charts, the clips that are most wrong.
import { html, nothing, render } from "lit-html";
import { about, readRecords } from "./data.js";
import { confusion, curves, reliability } from "./charts.js";
import { folderOf, nameOf, plural, score, visible, words } from "./format.js";
import { icons } from "./icons.js";
import { audio, isPlaying, onChange, player, toggle } from "./player.js";
import { header } from "./shell.js";
import { strip } from "./table.js";

const MEASURES = { map3: "MAP@3", macro_map3: "macro MAP@3", top1: "top-1", ece: "calibration error" };
const MOST = 60; // clips in the list; as many have pictures

export function showEvaluation(root) {
  const models = Object.keys(about.charts);
  const state = { records: readRecords(), models, model: models.at(-1), chosen: {}, wrong: true };
  const update = (changes = {}) => render(view(Object.assign(state, changes), update), root);
  onChange(() => update());
  update();
  document.body.append(audio);
}

const view = (state, update) => html`
  ${header(visible(about.title), update)}
  <main class="sheet">
    ${state.models.length ? [scores(state), history(), charts(state, update), clips(state, update)] : [history(), html`<section class="card"><p class="dim">No clips were held out, so there are no validation scores.</p></section>`]}
  </main>
`;

const scores = ({ models, records }) => html`<section class="card" aria-label="Scores">
  <h2>Scores <span class="dim">${plural(records.length, "clip")}, ${plural(new Set(records.map((one) => one.truth)).size, "label")}</span></h2>
  <div class="scroll" tabindex="0" role="group" aria-label="Table of scores"><table class="scores">
    <thead><tr><th scope="col">model</th>${Object.values(MEASURES).map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
    <tbody>
      ${models.map((name) => {
        const of = about.charts[name];
        return html`<tr><th scope="row">${visible(name)}</th>${Object.keys(MEASURES).map(
          (field) => html`<td><strong>${of.scores[field].toFixed(3)}</strong> <span class="dim">${of.intervals[field]?.map((end) => end.toFixed(3)).join("–")}</span></td>`,
        )}</tr>`;
      })}
    </tbody>
  </table></div>
  ${models.some((name) => about.charts[name].intervals.map3) ? html`<p class="dim note">with 95 % confidence intervals</p>` : nothing}
</section>`;

function history() {
  const rows = about.history;
  if (!rows.length) return nothing;
  const values = (key) => rows.map((row) => row[key]);
  const losses = [["loss", "first", values("loss")]];
  if (rows.at(-1).val_loss !== undefined) losses.push(["validation loss", "second", values("val_loss")]);
  const highest = Math.max(...losses.flatMap(([, , of]) => of.filter((value) => value !== undefined)));
  const judged = rows.at(-1).val_map3 !== undefined;
  return html`<section class="card" aria-label="Curves"><h2>Training</h2>
    <div class="side">
      ${curves("Losses", losses, rows.length, [0, highest])}
      ${judged ? curves("Validation scores", [["validation MAP@3", "second", values("val_map3")], ["validation top-1", "third", values("val_top1")]], rows.length, [0, 1]) : nothing}
    </div>
  </section>`;
}

function charts(state, update) {
  const { model, models, chosen } = state;
  const of = about.charts[model];
  const labels = about.labels.map(words);
  const ranked = [...of.labels].sort((a, b) => a.ap - b.ap);
  return html`
    ${models.length > 1 ? html`<div class="models" role="group" aria-label="Model">${models.map((name) => html`<button aria-pressed=${name === model} @click=${() => update({ model: name, chosen: {} })}>${visible(name)}</button>`)}</div>` : nothing}
    <div class="cards">
      <section class="card" aria-label="Average precision"><h2>Average precision <span class="dim">of each label, with 95 % intervals</span></h2>
        <ul class="bars scroll" tabindex="0">
          ${ranked.map(({ label, clips, ap, interval }) => html`<li>
            <span class="bar-name">${words(label)} <span class="dim">${clips}</span></span>
            <span class="bar" aria-hidden="true"><span class="bar-value" .style=${`width:${100 * ap}%`}></span>${interval ? html`<span class="whisker" .style=${`left:${100 * interval[0]}%;width:${100 * (interval[1] - interval[0])}%`}></span>` : nothing}</span>
            <span>${score(ap)}</span></li>`)}
        </ul>
      </section>
      <section class="card" aria-label="Reliability"><h2>Reliability</h2>
        ${reliability(of.reliability)}
        <p class="dim note">Of answers with a score of 0.7, 70 % should be right: on the line. The larger a circle, the more clips.</p>
      </section>
    </div>
    <section class="card" aria-label="Confusion matrix"><h2>Confusion matrix <span class="dim">true label in rows, best label in columns; labels that are mistaken for each other are neighbours</span></h2>
      <div class="scroll" tabindex="0" role="group" aria-label="Confusion matrix, scrollable">${confusion(of, labels, chosen, (cell) => {
        update({ chosen: cell });
        if (cell.truth !== undefined) document.querySelector(".clips").scrollIntoView({ block: "nearest" });
      })}</div>
    </section>`;
}

function clips(state, update) {
  const { records, model, chosen, wrong } = state;
  const best = (record) => record.tags[model][0][0];
  const found = records
    .filter(
      (record) =>
        (!wrong || best(record) !== record.truth || chosen.best === record.truth) &&
        (chosen.truth === undefined || record.truth === chosen.truth) &&
        (chosen.best === undefined || best(record) === chosen.best),
    )
    .sort((a, b) => a.score[model] - b.score[model] || a.index - b.index);
  const options = (of) => {
    const used = [...new Set(records.map(of))].sort((a, b) => about.labels[a].localeCompare(about.labels[b]));
    return used.map((label) => html`<option value=${label} ?selected=${chosen[of === best ? "best" : "truth"] === label}>${words(about.labels[label])}</option>`);
  };
  const choose = (key) => (event) => update({ chosen: { ...chosen, [key]: event.target.value === "" ? undefined : Number(event.target.value) } });
  return html`<section class="card clips" aria-label="Clips"><h2>Worst clips <span class="dim">by the score of the true label</span></h2>
    <div class="toolbar">
      <label>True label <select @change=${choose("truth")}><option value="">any</option>${options((record) => record.truth)}</select></label>
      <label>Best label <select @change=${choose("best")}><option value="">any</option>${options(best)}</select></label>
      <label class="check"><input type="checkbox" .checked=${wrong} @change=${(event) => update({ wrong: event.target.checked })} /> Only wrong ones</label>
      <span class="found" role="status">${found.length > MOST ? `${MOST} of ${plural(found.length, "clip")}` : plural(found.length, "clip")}</span>
    </div>
    <ul class="worst">${found.slice(0, MOST).map((record) => clip(record, model, best(record)))}</ul>
  </section>`;
}

function clip(record, model, best) {
  const name = nameOf(record.path);
  return html`<li>
    <button class="play" aria-label=${`${isPlaying(record) ? "Pause" : "Play"} ${name}`} @click=${() => toggle(record)}>${isPlaying(record) ? icons.pause : icons.play}</button>
    ${strip(record, { select() {} })}
    <span class="cell-path"><bdi class="name">${name}</bdi><bdi class="folder dim">${player.failed.has(record.index) ? "cannot be played: it is not there, or of a format that browsers do not know" : folderOf(record.path)}</bdi></span>
    <span class="answer truth"><strong>${words(about.labels[record.truth])}</strong> <span class="dim">${score(record.score[model])}</span></span>
    <span class=${best === record.truth ? "answer best" : "answer best wrong"}>${record.tags[model].slice(0, 2).map(([label, value]) => html`<span>${words(about.labels[label])} ${score(value)}</span>`)}</span>
  </li>`;
}
