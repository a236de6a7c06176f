// The keyboard, wherever the focus is but in a field.
import { audio, seek, toggle } from "./player.js";
import { topLabel } from "./records.js";

const PAGE = 10;

export function handleKeys(state, actions) {
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
  const keys = {
    " ": () => state.selected && toggle(state.selected),
    "/": () => document.querySelector(".search input").select(),
    c: () => {
      actions.update({ open: true });
      document.querySelector(".correct input")?.select();
    },
    Enter: () => state.selected && actions.correct(state.selected, topLabel(state.selected)),
    ArrowRight: () => seek(audio.currentTime + 1),
    ArrowLeft: () => seek(audio.currentTime - 1),
    Escape: () => actions.update({ open: false }),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (inField) {
      if (event.key === "Escape") document.querySelector(".files").focus();
      return;
    }
    const pressed = event.target.closest("button, summary, a, input");
    if (pressed && (event.key === " " || event.key === "Enter")) return;
    if (event.key in moves) actions.move(moves[event.key]);
    else if (event.key in keys) keys[event.key]();
    else return;
    event.preventDefault();
  });
}
