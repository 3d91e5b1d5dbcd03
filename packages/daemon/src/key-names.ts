const ENVIRONMENT_PREFIX = 'PAGEFERRY_';

/** `someKey` as the flag `--some-key`. */
export function flagOf(key: string): string {
  return `--${words(key).join('-')}`;
}

/** `someKey` as the variable `PAGEFERRY_SOME_KEY`. */
export function variableOf(key: string): string {
  return ENVIRONMENT_PREFIX + words(key).join('_').toUpperCase();
}

export function isOurVariable(name: string): boolean {
  return name.startsWith(ENVIRONMENT_PREFIX);
}

function words(camelCase: string): string[] {
  return camelCase.replace(/[A-Z]/g, ' $&').toLowerCase().split(' ');
}
