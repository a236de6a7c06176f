// Small pictures, drawn with the colour of the text around them.
import { svg } from "lit-html";

const icon = (path) =>
  svg`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path d=${path} fill="currentColor"></path></svg>`;

export const icons = {
  play: icon("M4 2.5v11l9.5-5.5z"),
  pause: icon("M4 2.5h3v11H4zM9 2.5h3v11H9z"),
  search: icon("M7 1.5a5.5 5.5 0 1 0 3.2 10L14 15.3l1.3-1.3-3.8-3.8A5.5 5.5 0 0 0 7 1.500zm0 1.8a3.700 3.700 0 1 1 0 7.400 3.700 3.700 0 0 1 0-7.400z"),
  close: icon("M3.300 2 8 6.700 12.700 2 14 3.300 9.300 8l4.700 4.700-1.300 1.300L8 9.300 3.300 14 2 12.700 6.700 8 2 3.300z"),
  check: icon("M6.200 12.600 1.900 8.300l1.400-1.400 2.900 2.900 6.500-6.500 1.400 1.400z"),
  theme: icon("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.800v10.400a5.200 5.200 0 0 1 0-10.400z"),
  save: icon("M7 1.500h2v6.600l2.500-2.500 1.400 1.400L8 11.900 3.100 7l1.400-1.400L7 8.100zM2 13h12v1.800H2z"),
};
