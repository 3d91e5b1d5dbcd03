const KEY = 'pageferry-token';

/** The token of the API, for as long as this tab is open. */
export class TokenStore {
  readonly #storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>) {
    this.#storage = storage;
  }

  get token(): string | undefined {
    return this.#storage.getItem(KEY) ?? undefined;
  }

  set token(token: string | undefined) {
    if (token === undefined) this.#storage.removeItem(KEY);
    else this.#storage.setItem(KEY, token);
  }
}
