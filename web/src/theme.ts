/** The one table of colours, read by CSS (as custom properties) and by the canvases. */

const LIGHT = {
  surface: '#FFFFFF', panel: '#F6F8FA', border: '#8C959F', rule: '#D0D7DE', text: '#1F2328', muted: '#57606A',
  up: '#004A86', down: '#C2410C', warn: '#7A5200', may: '#6F42C1', has: '#1F2328', line: '#2C8FC4', focus: '#004A86',
  line1: '#003F7F', line2: '#2C8FC4', line3: '#A34C00', line4: '#6F42C1', line5: '#5B3A1E', line6: '#808080',
};
const DARK: typeof LIGHT = {
  surface: '#0E1116', panel: '#161B22', border: '#6E7681', rule: '#30363D', text: '#E6EDF3', muted: '#9BA7B4',
  up: '#79C0FF', down: '#E5702A', warn: '#E3B341', may: '#C9A6FF', has: '#E6EDF3', line: '#FFC95C', focus: '#79C0FF',
  line1: '#9AD4FF', line2: '#2F9BE0', line3: '#FFC95C', line4: '#E5702A', line5: '#8C8C8C', line6: '#FFFFFF',
};

export type Colours = Readonly<typeof LIGHT>;

const dark = window.matchMedia('(prefers-color-scheme: dark)');

export function colours(): Colours {
  return dark.matches ? DARK : LIGHT;
}

/** Give CSS the colours now and whenever the system's choice changes; canvases are told through `onChange`. */
export function followTheme(onChange: () => void): void {
  const apply = (): void => {
    for (const [name, value] of Object.entries(colours())) document.documentElement.style.setProperty(`--${name}`, value);
  };
  apply();
  dark.addEventListener('change', () => { apply(); onChange(); });
}
