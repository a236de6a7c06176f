// The data of the page: blocks of JSON that Python has written into it.
const parse = (block) => JSON.parse(block.textContent);

export const about = parse(document.getElementById("about"));

export const readRecords = () =>
  Array.from(document.getElementsByClassName("record"), (block, index) => ({ ...parse(block), index }));

const LIMIT = 300;
const kept = new Map();

// Picture and audio of a record; read when they are needed, since thousands of them are most of the page.
export function mediaOf(index) {
  let media = kept.get(index);
  if (!media) {
    media = parse(document.getElementById(`media-${index}`));
    if (kept.size >= LIMIT) kept.delete(kept.keys().next().value);
    kept.set(index, media);
  }
  return media;
}

export const pictureUrl = (index) => {
  const { picture } = mediaOf(index);
  return picture ? `data:image/png;base64,${picture}` : "";
};

const LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// A time line's characters as scores from 0 to 1.
export const scoresOf = (text) => Array.from(text, (level) => LEVELS.indexOf(level) / (LEVELS.length - 1));

export const decodeBytes = (text) => Int8Array.from(atob(text), (character) => character.charCodeAt(0));
