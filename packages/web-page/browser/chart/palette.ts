/** Colours of the theme that is in use, as a canvas needs them. */
export interface Palette {
  readonly text: string;
  readonly grid: string;
  readonly remaining: string;
  readonly remainingFill: string;
  readonly dirtied: string;
  readonly sent: string;
  readonly bandwidth: string;
  readonly standstill: string;
  readonly font: string;
}

export function palette(): Palette {
  const probe = document.createElement('span');
  document.body.append(probe);
  const style = getComputedStyle(probe);
  // A custom property has its text only; the colour behind it is there once something has it.
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return style.color;
  };
  const colours = {
    text: colour('muted'),
    grid: colour('grid'),
    remaining: colour('series-remaining'),
    remainingFill: colour('series-remaining-fill'),
    dirtied: colour('series-dirtied'),
    sent: colour('series-sent'),
    bandwidth: colour('series-bandwidth'),
    standstill: colour('bad'),
    font: `11px ${style.fontFamily}`,
  };
  probe.remove();
  return colours;
}
