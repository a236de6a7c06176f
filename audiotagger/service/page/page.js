"use strict";

const answer = document.getElementById("answer");

function show(text) {
  answer.hidden = false;
  answer.textContent = text;
}

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const query = new URLSearchParams({ top_k: form.get("top_k"), segments: form.has("segments") });
  const body = new FormData();
  body.append("file", form.get("file"));
  const headers = form.get("token") ? { Authorization: `Bearer ${form.get("token")}` } : {};
  show("…");
  try {
    const response = await fetch(`tag?${query}`, { method: "POST", body, headers });
    show(JSON.stringify(await response.json(), null, 2));
  } catch (error) {
    show(String(error));
  }
});

function list(id, entries) {
  for (const [term, text] of entries) {
    for (const [tag, content] of [["dt", term], ["dd", text]]) {
      document.getElementById(id).append(Object.assign(document.createElement(tag), { textContent: content }));
    }
  }
}

for (const span of document.querySelectorAll("pre span")) span.textContent = location.host;

fetch("openapi.json").then((response) => response.json()).then((api) => {
  const tag = api.paths["/tag"].post;
  list("parameters", tag.parameters.map(({ name, description, schema }) => [
    name, `${description} (${schema.type}${"default" in schema ? `, default ${schema.default}` : ""})`,
  ]));
  list("answers", Object.entries(tag.responses).map(([status, { description }]) => [status, description]));
});
