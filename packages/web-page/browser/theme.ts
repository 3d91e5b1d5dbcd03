const KEY = 'pageferry-theme';
const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const isTheme = (value: string | null): value is Theme => themes.some((theme) => theme === value);

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return isTheme(value) ? value : 'auto';
}

function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

// As early as this file is there: the page's first look is already the chosen one.
apply(stored());

/** Has the switch of the page choose and remember; `onChange` is also called when the system's own choice changes. */
export function bindThemeSwitch(inputs: Iterable<HTMLInputElement>, onChange: () => void): void {
  const chosen = stored();
  for (const input of inputs) {
    input.checked = input.value === chosen;
    input.addEventListener('change', () => {
      if (!isTheme(input.value)) return;
      localStorage.setItem(KEY, input.value);
      apply(input.value);
      onChange();
    });
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
}
