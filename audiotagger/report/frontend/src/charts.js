// Charts, as SVG.
import { html, nothing, svg } from "lit-html";

// Lines over epochs. `lines`: [name, class, values]; a value may be missing.
export function curves(title, lines, epochs, [low, high]) {
  const [width, height, left, bottom] = [420, 220, 40, 28];
  const x = (epoch) => left + ((epoch - 1) / Math.max(epochs - 1, 1)) * (width - left - 12);
  const y = (value) => 8 + (1 - (value - low) / (high - low || 1)) * (height - bottom - 8);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
  const steps = [...new Set([1, Math.ceil(epochs / 4), Math.ceil(epochs / 2), Math.ceil((3 * epochs) / 4), epochs])];
  const described = lines.map(([name, , values]) => `${name} ${values.at(-1)?.toFixed(3)} at the end`).join(", ");
  return html`<figure class="chart">
    <svg viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${`${title}: ${described}`}>
      ${ticks.map((tick) => svg`<line class="grid" x1=${left} x2=${width - 12} y1=${y(tick)} y2=${y(tick)}></line><text class="tick" x=${left - 6} y=${y(tick) + 4} text-anchor="end">${tick.toFixed(2)}</text>`)}
      ${steps.map((step) => svg`<text class="tick" x=${x(step)} y=${height - 10} text-anchor="middle">${step}</text>`)}
      ${lines.map(([, kind, values]) => {
        const points = values.map((value, i) => [i + 1, value]).filter(([, value]) => value !== undefined);
        return svg`<polyline class=${`line ${kind}`} points=${points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(" ")}></polyline>
          ${points.length < 30 ? points.map(([epoch, value]) => svg`<circle class=${`dot ${kind}`} cx=${x(epoch)} cy=${y(value)} r="2.5"></circle>`) : nothing}`;
      })}
    </svg>
    <figcaption>${lines.map(([name, kind]) => html`<span class=${`key ${kind}`}>${name}</span>`)} <span class="dim">by epoch</span></figcaption>
  </figure>`;
}

// How often the best label is right against how sure it is; bins of [clips, mean score, share right].
export function reliability(bins) {
  const [size, pad] = [260, 44];
  const at = (value) => value * (size - pad - 8);
  const [x, y] = [(value) => pad + at(value), (value) => size - pad - at(value)];
  const most = Math.max(...bins.map(([clips]) => clips));
  return svg`<svg class="reliability" viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${`Reliability: ${bins.map(([clips, sure, right]) => `of ${clips} clips with a score around ${sure.toFixed(2)}, ${Math.round(100 * right)} % are right`).join("; ")}`}>
    ${[0, 0.5, 1].map((tick) => svg`<line class="grid" x1=${x(0)} x2=${x(1)} y1=${y(tick)} y2=${y(tick)}></line>
      <text class="tick" x=${pad - 6} y=${y(tick) + 4} text-anchor="end">${tick}</text><text class="tick" x=${x(tick)} y=${size - pad + 16} text-anchor="middle">${tick}</text>`)}
    <line class="ideal" x1=${x(0)} y1=${y(0)} x2=${x(1)} y2=${y(1)}></line>
    <polyline class="line second" points=${bins.map(([, sure, right]) => `${x(sure)},${y(right)}`).join(" ")}></polyline>
    ${bins.map(([clips, sure, right]) => svg`<circle class="dot second" cx=${x(sure)} cy=${y(right)} r=${3 + 7 * Math.sqrt(clips / most)}><title>${clips} clips: score ${sure.toFixed(2)}, right ${right.toFixed(2)}</title></circle>`)}
    <text class="tick" x=${x(0.5)} y=${size - 4} text-anchor="middle">score of the best label</text>
    <text class="tick" transform=${`translate(10 ${y(0.5)}) rotate(-90)`} text-anchor="middle">share right</text>
  </svg>`;
}

// Clips by true label (row) and best label (column), shaded by the share of the row.
export function confusion({ order, confusion: cells }, labels, chosen, choose) {
  const [cell, n] = [15, order.length];
  const margin = 16 + 6.2 * Math.max(...order.map((label) => labels[label].length));
  const place = new Map(order.map((label, i) => [label, i]));
  const totals = new Map();
  for (const [truth, , clips] of cells) totals.set(truth, (totals.get(truth) ?? 0) + clips);
  const size = margin + n * cell + 4;
  const right = cells.reduce((sum, [truth, best, clips]) => sum + (truth === best ? clips : 0), 0);
  const all = cells.reduce((sum, [, , clips]) => sum + clips, 0);
  return svg`<svg class="confusion" .style=${`max-width:${Math.max(1.2 * size, 320)}px;min-width:${0.8 * size}px`} viewBox=${`0 0 ${size} ${size}`} role="img" aria-label=${`Confusion matrix: the best label is right for ${right} of ${all} clips`}>
    <rect class="ground" x=${margin} y=${margin} width=${n * cell} height=${n * cell}></rect>
    ${order.map((label, i) => svg`<text class="tick" x=${margin - 6} y=${margin + i * cell + 11} text-anchor="end">${labels[label]}</text>
      <text class="tick" transform=${`translate(${margin + i * cell + 11} ${margin - 6}) rotate(-90)`}>${labels[label]}</text>`)}
    ${cells.map(([truth, best, clips]) => {
      const [x, y] = [margin + place.get(best) * cell, margin + place.get(truth) * cell];
      const share = clips / totals.get(truth);
      const picked = chosen.truth === truth && chosen.best === best;
      return svg`<g class=${`cell${truth === best ? " right" : ""}${picked ? " picked" : ""}`} @click=${() => choose(picked ? {} : { truth, best })}>
        <rect x=${x} y=${y} width=${cell} height=${cell} fill-opacity=${0.12 + 0.88 * share}></rect>
        <text x=${x + cell / 2} y=${y + 10.5} text-anchor="middle" class=${share > 0.5 ? "strong" : ""}>${clips}</text>
        <title>${labels[truth]} taken for ${labels[best]}: ${clips} of ${totals.get(truth)}</title></g>`;
    })}
  </svg>`;
}
