// What all pages have: heading, theme, remarks at the end.
import { html } from "lit-html";
import { about } from "./data.js";
import { visible } from "./format.js";
import { icons } from "./icons.js";
import { load, store } from "./store.js";

const root = document.documentElement;
root.dataset.theme = load("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

export function header(title, update) {
  document.title = title;
  const change = () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    store("theme", root.dataset.theme);
    update();
  };
  return html`<header class="top">
    <h1>${title}</h1>
    <p class="dim provenance">${provenance()}</p>
    <button class="quiet" @click=${change} aria-label="Switch between dark and light">${icons.theme}</button>
  </header>`;
}

function provenance() {
  const models = Object.entries(about.models ?? {}).map(([name, version]) => `${visible(name)} ${visible(version)}`);
  const created = new Date(about.created).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
  return [created, ...models].join(" · ");
}
